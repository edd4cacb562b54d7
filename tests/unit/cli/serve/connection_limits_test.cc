#include "cli/serve/daemon/connection_limits.h"

#include <gtest/gtest.h>

#include <vector>

namespace fallow::cli {
namespace {

using Clock = ConnectionLimits::Clock;
using std::chrono::seconds;

constexpr Peer kPeer{100, 1000}, kOther{200, 1000}, kStranger{300, 2000};

class ConnectionLimitsTest : public testing::Test {
 protected:
  void add(std::size_t count, std::uint32_t socket, Peer peer, bool negotiated = true) {
    for (std::size_t i = 0; i < count; ++i) {
      now_ += seconds(1);
      connections_.push_back({socket, peer, now_, negotiated, false});
    }
  }
  ConnectionLimits::Verdict admit(std::uint32_t socket, Peer peer) {
    return limits_.admit(socket, peer, connections_, now_);
  }
  void expect_room(std::uint32_t socket, Peer peer) {
    const auto verdict = admit(socket, peer);
    EXPECT_EQ(verdict.refusal, "");
    EXPECT_EQ(verdict.evict, ConnectionLimits::kNone);
  }

  Clock::time_point now_{};
  std::vector<ConnectionState> connections_;
  ConnectionLimits limits_{{.all = 12, .socket = 8, .user = 6, .process = 4}};
};

TEST_F(ConnectionLimitsTest, each_limit_is_kept_and_named) {
  add(4, 0, kPeer);
  EXPECT_EQ(admit(0, kPeer).refusal, "process 100 has 4 guests, which is its limit");
  add(2, 0, kOther);
  EXPECT_EQ(admit(0, kOther).refusal, "user 1000 has 6 guests, which is its limit");
  add(2, 0, kStranger);
  EXPECT_EQ(admit(0, kStranger).refusal, "the socket has 8 guests, which is its limit");
  expect_room(1, kStranger);
  add(4, 1, {400, 3000});
  EXPECT_EQ(admit(1, {500, 4000}).refusal, "the daemon has 12 guests, which is its limit");
}

TEST_F(ConnectionLimitsTest, the_oldest_that_said_nothing_goes_for_the_next) {
  add(1, 0, kPeer);
  add(1, 0, kPeer, false);
  add(1, 0, kPeer, false);
  add(1, 0, kPeer);
  const auto verdict = admit(0, kPeer);
  EXPECT_EQ(verdict.refusal, "");
  EXPECT_EQ(verdict.evict, 1U);
  connections_[1].leaving = true;
  expect_room(0, kPeer);
}

// A peer over its own limit loses its own connection.
TEST_F(ConnectionLimitsTest, nobody_loses_a_connection_to_another_that_is_over_its_own_limit) {
  add(3, 0, kStranger, false);
  add(4, 0, kPeer, false);
  EXPECT_EQ(admit(0, kPeer).evict, 3U);
  EXPECT_EQ(limits_.admit(0, kPeer, std::span(connections_).first(3), now_).evict, ConnectionLimits::kNone);
}

TEST_F(ConnectionLimitsTest, nobody_connects_all_the_time) {
  for (std::size_t i = 0; i < limits_.bounds().process; ++i) expect_room(0, kPeer);
  EXPECT_EQ(admit(0, kPeer).refusal, "process 100 connects more often than 16 times a second");
  expect_room(0, kOther);
  now_ += seconds(1);
  for (std::size_t i = 0; i < limits_.bounds().process; ++i) expect_room(0, kPeer);
  EXPECT_NE(admit(0, kPeer).refusal, "");
}

TEST_F(ConnectionLimitsTest, a_handshake_has_its_time) {
  add(1, 0, kPeer, false);
  const ConnectionState connection = connections_[0];
  const auto limit = limits_.bounds().handshake;
  EXPECT_EQ(limits_.next_deadline(connections_), connection.since + limit);
  EXPECT_FALSE(limits_.overdue(connection, connection.since + limit - std::chrono::milliseconds(1)));
  EXPECT_TRUE(limits_.overdue(connection, connection.since + limit));
  connections_[0].negotiated = true;
  EXPECT_FALSE(limits_.overdue(connections_[0], connection.since + 2 * limit));
  EXPECT_EQ(limits_.next_deadline(connections_), Clock::time_point::max());
}

TEST_F(ConnectionLimitsTest, who_is_quarantined_comes_again_later) {
  limits_.quarantine(kPeer, now_);
  EXPECT_EQ(admit(0, kPeer).refusal,
            "a guest of process 100 crashed its workers; the process may connect again in 60 s");
  expect_room(0, kOther);
  now_ += limits_.bounds().quarantine;
  expect_room(0, kPeer);
}

}  // namespace
}  // namespace fallow::cli
