// A front-end, a session and a device, with an account of descriptors: exactly those open before a test are
// open after it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/vhost_device.h"
#include "tests/support/vhost_front_end.h"
#include "vhost_user/session/session.h"

namespace fallow::vhost {

class VhostRig : public testing::Test {
 protected:
  static constexpr std::uint32_t kAck = kVhostVersion | kVhostNeedReply;
  static constexpr std::uint64_t kMemoryAt = 0x16d99000, kMemorySize = 0x100000;

  VhostRig() { begin_connection(state, front.take_other()); }
  ~VhostRig() override {
    device.pending = 0;
    device.answer = Status::Ok;
    EXPECT_EQ(session.close(), Status::Ok);
    front.hang_up();
    EXPECT_EQ(open_descriptors(), descriptors_before);
  }

  // Runs until there is nothing more to do, or the session cannot continue.
  SessionOutcome run() {
    SessionOutcome outcome = SessionOutcome::Done;
    SessionOutcome last = SessionOutcome::Idle;
    while ((outcome = session.step()) == SessionOutcome::Done || outcome == SessionOutcome::Refused) {
      last = outcome;
      said = session.error_text().text();
      device.check_descriptors();
    }
    if (outcome != SessionOutcome::Idle) said = session.error_text().text();
    return outcome == SessionOutcome::Idle ? last : outcome;
  }
  SessionOutcome send(Request request, const Bytes& payload = {}, std::vector<int> fds = {},
                      std::uint32_t flags = kVhostVersion) {
    EXPECT_TRUE(front.send(request, payload, std::move(fds), flags));
    return run();
  }
  // Asks for an acknowledgement and returns it; ~0: none came.
  std::uint64_t ack(Request request, const Bytes& payload = {}, std::vector<int> fds = {}) {
    static_cast<void>(send(request, payload, std::move(fds), kAck));
    const auto reply = front.reply();
    if (!reply) return ~std::uint64_t{0};
    EXPECT_EQ(reply->header.request, static_cast<std::uint32_t>(request));
    EXPECT_EQ(reply->header.flags, 5U);
    EXPECT_EQ(reply->header.size, 8U);
    EXPECT_FALSE(front.reply()) << "a second reply";
    return reply->u64();
  }
  // Returns the reply of a request that always has one.
  std::uint64_t ask(Request request) { return ack(request); }

  void negotiate(std::uint64_t protocol = kServedProtocolFeatures,
                 std::uint64_t features = kFeatureVersion1 | kVhostFProtocolFeatures) {
    EXPECT_EQ(ack(Request::SetProtocolFeatures, bytes_of(protocol)), 0U);
    EXPECT_EQ(ack(Request::SetFeatures, bytes_of(features)), 0U);
  }
  static Region region(std::uint64_t at = kMemoryAt, std::uint64_t size = kMemorySize) {
    return {at, size, at, at};
  }
  void set_memory() {
    EXPECT_EQ(
        ack(Request::SetMemTable, bytes_of(MemTable{1, 0}, region(), Region{}), {VhostFrontEnd::memory()}),
        0U)
        << said;
  }
  static VringAddr addresses(std::uint32_t vring) {
    const std::uint64_t at = kMemoryAt + vring * std::uint64_t{0x3000};
    return {vring, 0, at, at + 0x2000, at + 0x1000, ~std::uint64_t{0}};
  }
  void describe_ring(std::uint32_t vring, std::uint32_t base = 0) {
    EXPECT_EQ(ack(Request::SetVringNum, bytes_of(VringState{vring, 256})), 0U) << said;
    EXPECT_EQ(ack(Request::SetVringBase, bytes_of(VringState{vring, base})), 0U) << said;
    EXPECT_EQ(ack(Request::SetVringAddr, bytes_of(addresses(vring))), 0U) << said;
  }
  std::uint64_t kick(std::uint64_t vring) {
    return ack(Request::SetVringKick, bytes_of(vring), {VhostFrontEnd::event()});
  }
  std::uint64_t enable(std::uint32_t vring, std::uint32_t on) {
    return ack(Request::SetVringEnable, bytes_of(VringState{vring, on}));
  }
  // Creates a running ring.
  void start_ring(std::uint32_t vring, std::uint32_t base = 0) {
    describe_ring(vring, base);
    EXPECT_EQ(kick(vring), 0U) << said;
    EXPECT_EQ(enable(vring, 1), 0U) << said;
  }
  void negotiate_and_set_memory() {
    negotiate();
    set_memory();
  }

  // Initialised before any member that opens a descriptor.
  const std::size_t descriptors_before = open_descriptors();
  VhostFrontEnd front;
  VhostDevice device;
  State state;
  Session session{state, device};
  std::string said;  // the error text of the last message
};

}  // namespace fallow::vhost
