#include "apps/fallow/control_server_desk.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <thread>

namespace fallow {
namespace {

class NoEvents final : public ServerEvents {
 public:
  void connected(std::uint64_t, std::uint32_t) noexcept override {}
  void resumed(std::uint64_t, std::uint32_t) noexcept override {}
  void disconnected(std::uint64_t, const std::string&) noexcept override {}
  void refused(std::uint64_t, const std::string&) noexcept override {}
  void turned_away(std::uint32_t, const std::string&) noexcept override {}
  void guest_event(std::uint64_t, Kind, const std::string&) noexcept override {}
};

// A server without guests, and without a socket to come from.
class ControlServerDeskTest : public testing::Test {
 protected:
  ControlServerDeskTest() {
    // It closes what nobody names.
    std::vector<int> keep;
    for (int file = 0; file < 64; ++file) keep.push_back(file);
    auto made = Server::create({}, *records_, events_, keep);
    EXPECT_TRUE(made) << made.error;
    server_ = std::move(made.object);
  }

  std::unique_ptr<ServerRecords> records_ = std::make_unique<ServerRecords>();
  NoEvents events_;
  std::unique_ptr<Server> server_;
};

TEST_F(ControlServerDeskTest, asks_the_servers_thread) {
  std::thread running([this] { EXPECT_EQ(server_->run(), ""); });
  ControlServerDesk desk(*server_);
  const auto guests = desk.guests();
  ASSERT_TRUE(guests);
  EXPECT_TRUE(guests->empty());
  EXPECT_EQ(desk.set_target(1, {5}), Status::NotFound);
  EXPECT_EQ(desk.pause(1, true), Status::NotFound);
  server_->stop();
  running.join();
}

TEST_F(ControlServerDeskTest, waits_only_so_long_and_what_it_asked_for_may_come_later) {
  {
    ControlServerDesk desk(*server_);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(desk.guests());
    EXPECT_GE(std::chrono::steady_clock::now() - begin, ControlServerDesk::kPatience);
  }
  std::thread running([this] { EXPECT_EQ(server_->run(), ""); });
  // Behind what was asked before.
  EXPECT_TRUE(ControlServerDesk(*server_).guests());
  server_->stop();
  running.join();
}

TEST_F(ControlServerDeskTest, nobody_waits_at_a_desk_that_closes) {
  ControlServerDesk desk(*server_);
  std::thread closing([&desk] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    desk.close();
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(desk.pause(0, true));
  EXPECT_FALSE(desk.set_target(0, {}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, ControlServerDesk::kPatience);
  closing.join();
}

}  // namespace
}  // namespace fallow
