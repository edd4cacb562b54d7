// Rings: what starts and stops a ring, and what is refused.
#include "tests/unit/vhost_user/rig.h"

namespace fallow::vhost {
namespace {

using Request = Request;

class VhostVrings : public VhostRig {
 protected:
  VhostVrings() { negotiate_and_set_memory(); }

  std::uint64_t num(std::uint32_t vring, std::uint32_t n) {
    return ack(Request::SetVringNum, bytes_of(VringState{vring, n}));
  }
  std::uint64_t base(std::uint32_t vring, std::uint32_t n) {
    return ack(Request::SetVringBase, bytes_of(VringState{vring, n}));
  }
  std::uint64_t addr(const VringAddr& a) { return ack(Request::SetVringAddr, bytes_of(a)); }
  VringState get_base(std::uint32_t vring) {
    EXPECT_EQ(send(Request::GetVringBase, bytes_of(VringState{vring, 0})), SessionOutcome::Done);
    const auto reply = front.reply();
    VringState got{99, 99};
    if (reply && reply->payload.size() == sizeof got) std::memcpy(&got, reply->payload.data(), sizeof got);
    return got;
  }
};
class VhostHostileVring : public VhostVrings {};

TEST_F(VhostVrings, StartWithTheKickAndAreDisabledAtFirst) {
  describe_ring(1, 5);
  EXPECT_FALSE(device.rings[1].started);
  EXPECT_EQ(kick(1), 0U);
  EXPECT_TRUE(device.rings[1].started && !device.rings[1].enabled);
  EXPECT_EQ(device.rings[1].base, 5U);
  EXPECT_EQ(enable(1, 1), 0U);
  EXPECT_EQ(enable(1, 1), 0U) << "twice is fine";
  EXPECT_TRUE(device.rings[1].enabled);
}

TEST_F(VhostVrings, EnabledBeforeTheyStart) {
  EXPECT_EQ(enable(0, 1), 0U);
  describe_ring(0);
  EXPECT_EQ(kick(0), 0U);
  EXPECT_TRUE(device.rings[0].started && device.rings[0].enabled);
}

TEST_F(VhostVrings, WithoutBit30AreEnabledAtOnce) {
  EXPECT_EQ(ack(Request::SetFeatures, bytes_of(kFeatureVersion1)), 0U);
  describe_ring(0);
  EXPECT_EQ(kick(0), 0U);
  EXPECT_TRUE(device.rings[0].enabled);
}

// Another driver: its rings are set up from scratch, and the memory of the previous rings is not touched.
TEST_F(VhostVrings, FeaturesDropThoseThatRun) {
  const std::size_t open = open_descriptors();
  for (const std::uint64_t features : {kFeatureVersion1 | kVhostFProtocolFeatures, kFeatureVersion1,
                                       kFeatureVersion1 | kVhostFProtocolFeatures | 2}) {
    start_ring(0);
    EXPECT_EQ(enable(0, 0), 0U);
    start_ring(1);
    device.position = 9;
    device.calls.clear();
    EXPECT_EQ(ack(Request::SetFeatures, bytes_of(features)), 0U);
    EXPECT_EQ(device.calls, (std::vector<std::string>{
                                "drop_ring 0", "drop_ring 1",
                                "set_features " + std::to_string(features & ~kVhostFProtocolFeatures)}));
    EXPECT_FALSE(device.rings[0].started || device.rings[1].started);
    EXPECT_EQ(open_descriptors(), open) << "its descriptors are closed";
    EXPECT_EQ(kick(1), 0U);
    EXPECT_EQ(enable(1, 1), 0U);
    EXPECT_FALSE(device.rings[1].started) << "where it was does not count";
    describe_ring(1);
    EXPECT_EQ(enable(1, 1), 0U);
    EXPECT_TRUE(device.rings[1].started && device.rings[1].enabled);
    EXPECT_EQ(get_base(1).num, 9U);
  }
}

TEST_F(VhostVrings, StayDroppedWhenTheFeaturesAreRefused) {
  start_ring(0);
  device.answer = Status::Failed;
  EXPECT_EQ(ack(Request::SetFeatures, bytes_of(kFeatureVersion1 | kVhostFProtocolFeatures | 2)), 1U);
  EXPECT_EQ(session.settings().features, kFeatureVersion1 | kVhostFProtocolFeatures);
  EXPECT_FALSE(session.settings().vrings[0].started || device.rings[0].started);
  EXPECT_FALSE(session.settings().vrings[0].addressed);
  device.answer = Status::Ok;
  EXPECT_EQ(enable(0, 1), 0U);
  EXPECT_FALSE(device.rings[0].started);
  start_ring(0, 3);
  EXPECT_EQ(device.rings[0].base, 3U);
}

TEST_F(VhostVrings, AskingForFeaturesWhileRingsRunThatCannotBeDisabledIsTold) {
  start_ring(0);
  static_cast<void>(ask(Request::GetFeatures));
  EXPECT_EQ(std::count(device.calls.begin(), device.calls.end(), "driver_may_leave 0"), 0);
  EXPECT_EQ(ack(Request::SetFeatures, bytes_of(kFeatureVersion1)), 0U);
  static_cast<void>(ask(Request::GetFeatures));
  EXPECT_EQ(std::count(device.calls.begin(), device.calls.end(), "driver_may_leave 0"), 0) << "none runs";
  describe_ring(0);
  EXPECT_EQ(kick(0), 0U);
  static_cast<void>(ask(Request::GetFeatures));
  EXPECT_EQ(std::count(device.calls.begin(), device.calls.end(), "driver_may_leave 0"), 1);
}

TEST_F(VhostVrings, GetBaseStopsAndDropsTheDescriptors) {
  EXPECT_EQ(get_base(2).num, 0U) << "of a ring that never ran";
  const std::size_t open = open_descriptors();
  for (int i = 0; i < 2; ++i) {
    start_ring(2, 7);
    EXPECT_EQ(ack(Request::SetVringCall, bytes_of(std::uint64_t{2}), {VhostFrontEnd::event()}), 0U);
    EXPECT_EQ(ack(Request::SetVringErr, bytes_of(std::uint64_t{2}), {VhostFrontEnd::event()}), 0U);
    EXPECT_EQ(open_descriptors(), open + 3);
    device.position = 0x1234;
    const VringState where = get_base(2);
    EXPECT_EQ(where.index, 2U);
    EXPECT_EQ(where.num, 0x1234U);
    EXPECT_EQ(open_descriptors(), open);
    EXPECT_FALSE(device.rings[2].started);
    EXPECT_EQ(get_base(2).num, 0x1234U) << "again";
    EXPECT_EQ(enable(2, 1), 0U);
    EXPECT_FALSE(device.rings[2].started) << "there is no kick";
  }
}

TEST_F(VhostVrings, GetBaseWaitsForWhatIsUnderWay) {
  start_ring(0);
  device.pending = 1;
  device.position = 3;
  EXPECT_EQ(send(Request::GetVringBase, bytes_of(VringState{0, 0})), SessionOutcome::Pending);
  EXPECT_FALSE(front.reply());
  EXPECT_EQ(session.step(), SessionOutcome::Done);
  ASSERT_TRUE(front.reply());
  EXPECT_EQ(session.settings().vrings[0].base, 3U);
}

TEST_F(VhostVrings, ANewBaseBeginsAnewWithTheKickThatWasThere) {
  start_ring(0);
  EXPECT_EQ(enable(0, 0), 0U);
  device.position = 50;
  EXPECT_EQ(base(0, 0), 0U);
  EXPECT_FALSE(device.rings[0].started);
  EXPECT_EQ(addr(addresses(1)), 0U);
  VringAddr elsewhere = addresses(2);
  elsewhere.index = 0;
  EXPECT_EQ(addr(elsewhere), 0U);
  EXPECT_EQ(enable(0, 1), 0U);
  EXPECT_TRUE(device.rings[0].started && device.rings[0].enabled);
  EXPECT_EQ(device.rings[0].base, 0U);
}

TEST_F(VhostVrings, TheSameAddressesAndSizeDoNotDisturbARingThatRuns) {
  start_ring(0);
  device.calls.clear();
  EXPECT_EQ(addr(addresses(0)), 0U);
  EXPECT_EQ(num(0, 256), 0U);
  EXPECT_TRUE(device.calls.empty());
  EXPECT_EQ(num(0, 128), 0U);
  EXPECT_FALSE(device.rings[0].started);
}

TEST_F(VhostVrings, DescriptorsAreReplacedWhileRunning) {
  start_ring(0);
  const std::size_t open = open_descriptors();
  const int old = device.rings[0].kick;
  EXPECT_EQ(kick(0), 0U);
  EXPECT_NE(device.rings[0].kick, old);
  EXPECT_FALSE(VhostDevice::open(old));
  EXPECT_EQ(ack(Request::SetVringCall, bytes_of(std::uint64_t{0}), {VhostFrontEnd::event()}), 0U);
  EXPECT_TRUE(VhostDevice::open(device.rings[0].call));
  EXPECT_EQ(open_descriptors(), open + 1);
  EXPECT_EQ(ack(Request::SetVringCall, bytes_of(kVhostVringNoFd)), 0U) << "without interrupts";
  EXPECT_EQ(device.rings[0].call, -1);
  EXPECT_EQ(open_descriptors(), open);
}

TEST_F(VhostVrings, PackedRingsMayHaveAnySizeAndBase) {
  EXPECT_EQ(
      ack(Request::SetFeatures, bytes_of(kFeatureVersion1 | kFeatureRingPacked | kVhostFProtocolFeatures)),
      0U);
  EXPECT_EQ(num(0, 100), 0U);
  EXPECT_EQ(base(0, 0x80058005), 0U);
  EXPECT_EQ(addr(addresses(0)), 0U) << said;
}

TEST_F(VhostVrings, ResetAndStatusZeroStopThemAll) {
  for (const Request request : {Request::ResetDevice, Request::SetStatus}) {
    start_ring(0);
    start_ring(3);
    EXPECT_EQ(ack(request, request == Request::SetStatus ? bytes_of(std::uint64_t{0}) : Bytes{}), 0U) << said;
    EXPECT_FALSE(device.rings[0].started || device.rings[3].started);
    EXPECT_FALSE(session.settings().vrings[0].enabled);
  }
}

TEST_F(VhostHostileVring, IndexBeyondTheLast) {
  for (const std::uint32_t index : {5U, 8U, 255U, ~0U}) {
    EXPECT_EQ(num(index, 256), 1U);
    EXPECT_EQ(base(index, 0), 1U);
    EXPECT_EQ(enable(index, 1), 1U);
    VringAddr a = addresses(0);
    a.index = index;
    EXPECT_EQ(addr(a), 1U);
    EXPECT_NE(said.find("SET_VRING_ADDR: queue "), std::string::npos) << said;
  }
  EXPECT_EQ(kick(255), 1U);
  EXPECT_EQ(said, "SET_VRING_KICK: queue 255 does not exist; queues 0 to 4 are allowed");
  // GET_VRING_BASE has no reply that reports a refusal.
  EXPECT_EQ(send(Request::GetVringBase, bytes_of(VringState{255, 0})), SessionOutcome::Broken);
  EXPECT_EQ(said, "GET_VRING_BASE: queue 255 does not exist; queues 0 to 4 are allowed");
}

TEST_F(VhostHostileVring, Size) {
  for (const std::uint32_t size : {0U, 3U, 100U, 32769U, 65536U, 1U << 31U, ~0U}) EXPECT_EQ(num(0, size), 1U);
  EXPECT_EQ(num(0, 100), 1U);
  EXPECT_EQ(said, "SET_VRING_NUM: queue 0: size of 100 entries is not a power of two");
  EXPECT_EQ(num(0, 32768), 0U);
  EXPECT_EQ(num(0, 1), 0U);
}

TEST_F(VhostHostileVring, Base) {
  EXPECT_EQ(base(0, 0xffff), 0U);
  EXPECT_EQ(base(0, 0x10000), 1U);
  EXPECT_EQ(said, "SET_VRING_BASE: queue 0: base 0x10000 exceeds 0xffff, the largest index of a split ring");
}

TEST_F(VhostHostileVring, AddressesMisalignedOrOutside) {
  EXPECT_EQ(num(0, 256), 0U);
  VringAddr a = addresses(0);
  a.descriptors += 8;
  EXPECT_EQ(addr(a), 1U);
  EXPECT_NE(
      said.find(
          "descriptor table at user address 0x16d99008 (guest address 0x16d99008) is not 16-byte aligned"),
      std::string::npos)
      << said;
  a = addresses(0);
  a.used = kMemoryAt + kMemorySize - 6 - 8 * 256 + 4;
  EXPECT_EQ(addr(a), 1U);
  EXPECT_NE(said.find("used ring of 0x806 bytes"), std::string::npos) << said;
  a = addresses(0);
  a.available = ~std::uint64_t{0} - 1;
  EXPECT_EQ(addr(a), 1U);
  a = addresses(0);
  a.available += 1;
  EXPECT_EQ(addr(a), 1U);
  a = addresses(0);
  a.flags = 1;
  EXPECT_EQ(addr(a), 1U) << "logging";
  EXPECT_FALSE(session.settings().vrings[0].addressed);
}

TEST_F(VhostHostileVring, EnableWithTwo) {
  start_ring(0);
  EXPECT_EQ(enable(0, 2), 1U);
  EXPECT_TRUE(device.rings[0].enabled);
}

TEST_F(VhostHostileVring, PollingAndInBandKicksAreRefused) {
  describe_ring(0);
  EXPECT_EQ(ack(Request::SetVringKick, bytes_of(kVhostVringNoFd)), 1U);
  EXPECT_EQ(said, "SET_VRING_KICK: queue 0: no kick descriptor was passed, and polling is not supported");
  EXPECT_EQ(ack(Request::VringKick, bytes_of(VringState{0, 0})), 1U);
  EXPECT_EQ(said, "VRING_KICK: the back-end did not offer this request");
  EXPECT_FALSE(device.rings[0].started);
}

TEST_F(VhostHostileVring, DescriptorsThatTheFlagDoesNotAnnounce) {
  describe_ring(0);
  EXPECT_EQ(ack(Request::SetVringKick, bytes_of(std::uint64_t{0})), 1U);
  EXPECT_EQ(ack(Request::SetVringCall, bytes_of(kVhostVringNoFd), {VhostFrontEnd::event()}), 1U);
  EXPECT_EQ(ack(Request::SetVringCall, bytes_of(std::uint64_t{0}),
                {VhostFrontEnd::event(), VhostFrontEnd::event()}),
            1U);
  EXPECT_EQ(ack(Request::SetVringErr, bytes_of(std::uint64_t{0x1000}), {VhostFrontEnd::event()}), 1U);
  EXPECT_EQ(said, "SET_VRING_ERR: value 0x1000 has unknown bits; bits 0 to 8 are allowed");
}

TEST_F(VhostHostileVring, WhatTheDeviceDoesNotStartIsNotStarted) {
  describe_ring(0);
  device.answer = Status::InvalidArgument;
  const std::size_t open = open_descriptors();
  EXPECT_EQ(kick(0), 1U);
  EXPECT_EQ(said, "SET_VRING_KICK: starting a ring: the test says no");
  EXPECT_EQ(open_descriptors(), open);
  EXPECT_FALSE(session.settings().vrings[0].started);
  device.answer = Status::Ok;
  EXPECT_EQ(kick(0), 0U);
}

TEST_F(VhostHostileVring, AKickBeforeAllElseIsKept) {
  EXPECT_EQ(kick(0), 0U);
  EXPECT_EQ(enable(0, 1), 0U);
  EXPECT_FALSE(device.rings[0].started);
  describe_ring(0);
  EXPECT_FALSE(device.rings[0].started);
  EXPECT_EQ(enable(0, 1), 0U);
  EXPECT_TRUE(device.rings[0].started);
}

}  // namespace
}  // namespace fallow::vhost
