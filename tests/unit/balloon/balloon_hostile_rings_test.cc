// Drivers that break the rules of the ring, against the whole device. The tests of the rings cover what a
// ring itself refuses.
#include "tests/unit/balloon/hostile_device.h"

namespace fallow::detail {
namespace {

constexpr std::uint32_t kFrame = 4096;

class HostileRing : public HostileDevice {
 protected:
  HostileRing() : at(rig.driver->queue(reporting).addresses()) {}

  void put(std::uint16_t i, QueueBuffer buffer, std::uint16_t flags, std::uint16_t next) {
    const VirtqDesc d{Le64(buffer.address.raw), Le32(buffer.length), Le16(flags), Le16(next)};
    rig.put(at.descriptors + ByteCount{i * sizeof d}, &d, sizeof d);
  }
  AvailRing avail() {
    return {rig.map.guest().translate(at.driver_area, AvailRing::bytes(at.size)), at.size};
  }
  void publish(std::uint16_t head, std::uint16_t idx = 1) {
    avail().ring(0).store(head);
    avail().idx().store(idx);
    rig.driver->kick(reporting);
    EXPECT_TRUE(rig.untouched_but({})) << "a part of a malformed chain was used";
  }
  // Writes an indirect table whose entries are pages, each with `flags`.
  QueueBuffer table(std::uint16_t entries, std::uint16_t flags) {
    for (std::uint16_t i = 0; i < entries; ++i) {
      const bool last = i + 1 == entries;
      const VirtqDesc d{Le64(0x110'000), Le32(kFrame),
                        Le16(static_cast<std::uint16_t>(flags | (last ? 0 : kDescNext))),
                        Le16(static_cast<std::uint16_t>(i + 1))};
      rig.put(BalloonRig::kRoom + ByteCount{i * sizeof d}, &d, sizeof d);
    }
    return {BalloonRig::kRoom, static_cast<std::uint32_t>(entries * sizeof(VirtqDesc)), false};
  }
  static constexpr std::uint16_t kMore = kDescNext | kDescWrite;

  QueueAddresses at;
};

TEST_F(HostileRing, Case10_ReportOfTheIndirectTableThatItIsIn) {
  const VirtqDesc entries[] = {{Le64(BalloonRig::kRoom.raw), Le32(kFrame), Le16(kMore), Le16(1)},
                               {Le64(0x110'000), Le32(kFrame), Le16(kMore), Le16(2)},
                               {Le64(0x120'000), Le32(kFrame), Le16(kDescWrite), Le16(0)}};
  rig.put(BalloonRig::kRoom, entries, sizeof entries);
  put(0, {BalloonRig::kRoom, sizeof entries, false}, kDescIndirect, 0);
  avail().idx().store(1);
  rig.driver->kick(reporting);
  EXPECT_TRUE(rig.rings_backing.discarded({BalloonRig::kRoom.raw / kFrame - BalloonRig::kRingsFrame}));
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1), target(0x120, 1)}));
  EXPECT_EQ(rig.stats().reported.raw, 3u * kFrame);
}

TEST_F(HostileRing, Case11_LoopOfLengthOne) {
  put(0, pages(0x110), kMore, 0);
  publish(0);
  expect_reset_helps(RingFault::ChainTooLong);
}

TEST_F(HostileRing, Case11_LoopOfQueueSize) {
  for (std::uint16_t i = 0; i < at.size; ++i)
    put(i, pages(0x110), kMore, static_cast<std::uint16_t>((i + 1) % at.size));
  publish(0);
  expect_reset_helps(RingFault::ChainTooLong);
}

TEST_F(HostileRing, Case12_HeadOutOfRange) {
  publish(at.size);
  expect_reset_helps(RingFault::HeadOutOfRange);
}

TEST_F(HostileRing, Case12_NextOutOfRange) {
  put(0, pages(0x110), kMore, at.size);
  publish(0);
  expect_reset_helps(RingFault::NextOutOfRange);
}

TEST_F(HostileRing, Case14_IndexJumps) {
  publish(0, static_cast<std::uint16_t>(at.size + 1));
  expect_reset_helps(RingFault::IndexJumped);
}

TEST_F(HostileRing, Case14_IndexGoesBack) {
  put(0, {{0}, 0, true}, kDescWrite, 0);
  publish(0);
  avail().idx().store(0);
  rig.driver->kick(reporting);
  EXPECT_TRUE(rig.untouched_but({}));
  expect_reset_helps(RingFault::IndexJumped);
}

TEST_F(HostileRing, Case15_IndirectTables) {
  struct Bad {
    std::uint32_t length;
    std::uint16_t flags, table_flags;
    RingFault fault;
  };
  for (const Bad bad : {Bad{0, kDescIndirect, kDescWrite, RingFault::IndirectLength},
                        Bad{17, kDescIndirect, kDescWrite, RingFault::IndirectLength},
                        Bad{0xffff'fff0, kDescIndirect, kDescWrite, RingFault::IndirectOutsideMemory},
                        Bad{32, kDescIndirect | kDescNext, kDescWrite, RingFault::IndirectWithNext},
                        Bad{32, kDescIndirect, kDescIndirect, RingFault::IndirectNested}}) {
    rig.bring_up(kFeatures);
    put(0, {table(2, bad.table_flags).address, bad.length, false}, bad.flags, 1);
    publish(0);
    EXPECT_EQ(rig.device().mistakes().last_ring_fault, bad.fault) << describe(bad.fault);
  }
  EXPECT_EQ(rig.device().mistakes().rings, 5u);
}

TEST_F(HostileRing, Case15_IndirectTableOutsideMemory) {
  put(0, {{0x500'000}, 32, false}, kDescIndirect, 0);
  publish(0);
  expect_reset_helps(RingFault::IndirectOutsideMemory);
}

TEST_F(HostileRing, Case15_IndirectNotNegotiated) {
  rig.bring_up(kFeatures & ~kFeatureIndirectDesc);
  at = rig.driver->queue(reporting).addresses();
  put(0, table(2, kDescWrite), kDescIndirect, 0);
  publish(0);
  expect_reset_helps(RingFault::IndirectNotNegotiated);
}

TEST_F(HostileRing, WritableBeforeReadable) {
  put(0, pages(0x110), kMore, 1);
  put(1, pages(0x111), 0, 0);
  publish(0);
  expect_reset_helps(RingFault::WrongOrder);
}

TEST_F(HostileRing, ResetInTheMiddleOfARequest) {
  for (std::uint64_t i = 0; i < 8; ++i) rig.driver->add(reporting, {pages(0x110 + i)});
  EXPECT_TRUE(rig.device().process(reporting, 3));
  rig.device().set_status(0);
  EXPECT_FALSE(rig.device().process(reporting, 64));
  EXPECT_TRUE(rig.untouched_but({target(0x110, 3)}));
  rig.bring_up(kFeatures);
  expect_alive();
}

class HostilePackedRing : public HostileDevice {
 protected:
  HostilePackedRing() { rig.bring_up(kFeatures | kFeatureRingPacked); }
  static constexpr std::uint16_t kMore = kDescNext | kDescWrite | kPackedAvail;
  void put(std::uint16_t i, QueueBuffer buffer, std::uint16_t id, std::uint16_t flags) {
    const PvirtqDesc d{Le64(buffer.address.raw), Le32(buffer.length), Le16(id), Le16(flags)};
    rig.put(at.descriptors + ByteCount{i * sizeof d}, &d, sizeof d);
  }
  QueueAddresses at;

 public:
  void SetUp() override { at = rig.driver->queue(reporting).addresses(); }
};

TEST_F(HostilePackedRing, WrapCounterFlipped) {
  put(0, pages(0x110), 0, kDescWrite | kPackedUsed);  // available in the next round, but not in this one
  rig.driver->kick(reporting);
  put(0, pages(0x110), 0, kDescWrite | kPackedAvail | kPackedUsed);  // used already
  rig.driver->kick(reporting);
  EXPECT_TRUE(rig.untouched_but({}));
  EXPECT_EQ(rig.device().chains(), 0u);
  put(0, pages(0x110), 0, kDescWrite | kPackedAvail);
  rig.driver->kick(reporting);
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1)}));
}

TEST_F(HostilePackedRing, BufferIdReusedWhileInFlight) {
  const std::uint16_t stats = rig.number(BalloonQueue::Stats);
  at = rig.driver->queue(stats).addresses();
  put(0, {BalloonRig::kRoom, 10, false}, 7, kPackedAvail);
  put(1, {BalloonRig::kRoom, 10, false}, 7, kPackedAvail);
  rig.driver->kick(stats);
  EXPECT_EQ(rig.refused(Refusal::SecondBuffer), 1u);
  EXPECT_EQ(rig.device().request_statistics(), Status::Ok);
  EXPECT_EQ(rig.device().request_statistics(), Status::Busy);
}

TEST_F(HostilePackedRing, LoopHasNoEnd) {
  for (std::uint16_t i = 0; i < at.size; ++i) put(i, pages(0x110), 0, kMore);
  rig.driver->kick(reporting);
  EXPECT_TRUE(rig.untouched_but({}));
  expect_reset_helps(RingFault::ChainTooLong);
}

}  // namespace
}  // namespace fallow::detail
