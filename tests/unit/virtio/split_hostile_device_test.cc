// A driver that breaks the rules of the split ring: the device's end refuses, names the fault, and reads and
// writes nothing that is not its.
#include <gtest/gtest.h>

#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kSize = 8;

// A ring in guest memory, written to by hand.
class HostileSplit : public testing::Test {
 protected:
  HostileSplit() : box(8 * 4096), room(kSize) {
    at = {kSize, box.base(), box.base() + ByteCount{0x400}, box.base() + ByteCount{0x800}};
    avail = AvailRing(box.at(at.driver_area), kSize);
    used = UsedRing(box.at(at.device_area), kSize);
    EXPECT_EQ(start(), Status::Ok);
  }
  Status start(bool indirect = true) {
    return queue.start(box.map(), at, {.packed = false, .event_index = false, .indirect = indirect}, {},
                       room);
  }
  VirtqDesc& desc(std::uint64_t i) { return box.as<VirtqDesc>(at.descriptors + ByteCount{16 * i}); }
  VirtqDesc& inner(std::uint64_t i) { return box.as<VirtqDesc>(table() + ByteCount{16 * i}); }
  GuestPhys table() const { return box.base() + ByteCount{0x2000}; }
  static void write(VirtqDesc& cell, std::uint64_t addr, std::uint32_t len, unsigned flags,
                    unsigned next = 0) {
    cell.addr.store(addr);
    cell.len.store(len);
    cell.flags.store(static_cast<std::uint16_t>(flags));
    cell.next.store(static_cast<std::uint16_t>(next));
  }
  void make_available(std::uint16_t head) {
    avail.ring(next++ % kSize).store(head);
    avail.idx().store(next);
  }
  void expect_fault(RingFault fault) {
    Chain chain;
    EXPECT_EQ(queue.pop(chain), Popped::Broken);
    EXPECT_EQ(queue.fault(), fault) << describe(queue.fault());
    EXPECT_EQ(queue.pop(chain), Popped::Broken) << "it stays broken";
    EXPECT_EQ(used.idx().load(), 0u);
    EXPECT_EQ(start(), Status::Ok) << "and can be started anew";
    EXPECT_EQ(queue.fault(), RingFault::None);
  }

  GuestBox box;
  std::vector<QueueBuffer> room;
  QueueAddresses at;
  AvailRing avail;
  UsedRing used;
  SplitDeviceQueue queue;
  std::uint16_t next = 0;
};

// peers 11
TEST_F(HostileSplit, LoopOfLengthOne) {
  write(desc(0), 0x1000, 8, kDescNext, 0);
  make_available(0);
  expect_fault(RingFault::ChainTooLong);
}

TEST_F(HostileSplit, LoopOfQueueSize) {
  for (unsigned i = 0; i < kSize; ++i) write(desc(i), 0x1000, 8, kDescNext, (i + 1) % kSize);
  make_available(3);
  expect_fault(RingFault::ChainTooLong);
}

TEST_F(HostileSplit, LoopThatDoesNotComeBackToItsHead) {
  write(desc(0), 0x1000, 8, kDescNext, 1);
  write(desc(1), 0x1000, 8, kDescNext, 2);
  write(desc(2), 0x1000, 8, kDescNext, 1);
  make_available(0);
  expect_fault(RingFault::ChainTooLong);
}

// peers 12
TEST_F(HostileSplit, HeadOutOfRange) {
  for (const unsigned head : {8u, 9u, 0x7fffu, 0xffffu}) {
    next = 0;
    make_available(static_cast<std::uint16_t>(head));
    expect_fault(RingFault::HeadOutOfRange);
  }
}

TEST_F(HostileSplit, NextOutOfRange) {
  for (const unsigned after : {8u, 9u, 0x7fffu, 0xffffu}) {
    next = 0;
    write(desc(0), 0x1000, 8, kDescNext, after);
    make_available(0);
    expect_fault(RingFault::NextOutOfRange);
  }
}

// peers 13
TEST_F(HostileSplit, ChainAsLongAsTheQueueIsServed) {
  for (unsigned i = 0; i < kSize; ++i) write(desc(i), 0x1000, 8, i + 1 < kSize ? kDescNext : 0, i + 1);
  make_available(0);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.buffers.size(), kSize);
}

// peers 14
TEST_F(HostileSplit, AvailableIndexJumps) {
  for (const unsigned idx : {9u, 100u, 0x8000u, 0xffffu}) {
    avail.idx().store(static_cast<std::uint16_t>(idx));
    expect_fault(RingFault::IndexJumped);
  }
}

TEST_F(HostileSplit, AvailableIndexGoesBack) {
  write(desc(0), 0x1000, 8, 0);
  for (int i = 0; i < 5; ++i) make_available(0);
  Chain chain;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(queue.pop(chain), Popped::Chain);
  avail.idx().store(4);
  EXPECT_EQ(queue.pop(chain), Popped::Broken);
  EXPECT_EQ(queue.fault(), RingFault::IndexJumped);
}

// peers 15
TEST_F(HostileSplit, IndirectWithoutTheFeature) {
  ASSERT_EQ(start(false), Status::Ok);
  write(desc(0), table().raw, 16, kDescIndirect);
  make_available(0);
  Chain chain;
  EXPECT_EQ(queue.pop(chain), Popped::Broken);
  EXPECT_EQ(queue.fault(), RingFault::IndirectNotNegotiated);
}

TEST_F(HostileSplit, IndirectTableOfOddLength) {
  for (const std::uint32_t length : {1u, 15u, 17u, 0xffffffffu}) {
    next = 0;
    write(desc(0), table().raw, length, kDescIndirect);
    make_available(0);
    expect_fault(RingFault::IndirectLength);
  }
}

TEST_F(HostileSplit, IndirectTableEmpty) {
  write(desc(0), table().raw, 0, kDescIndirect);
  make_available(0);
  expect_fault(RingFault::IndirectLength);
}

TEST_F(HostileSplit, IndirectTableHuge) {
  write(desc(0), table().raw, 0xfffffff0, kDescIndirect);
  make_available(0);
  expect_fault(RingFault::IndirectOutsideMemory);
}

// All of it is there, and it is longer than a chain may be.
TEST_F(HostileSplit, IndirectTableLongerThanTheQueue) {
  for (unsigned i = 0; i < kSize + 1; ++i) write(inner(i), 0x1000, 8, i < kSize ? kDescNext : 0, i + 1);
  write(desc(0), table().raw, 16 * (kSize + 1), kDescIndirect);
  make_available(0);
  expect_fault(RingFault::ChainTooLong);
}

TEST_F(HostileSplit, IndirectTableOutsideMemory) {
  for (const std::uint64_t address :
       {std::uint64_t{0}, box.end().raw - 16, box.end().raw, box.base().raw - 16, ~std::uint64_t{0} - 15}) {
    next = 0;
    write(desc(0), address, 32, kDescIndirect);
    make_available(0);
    expect_fault(RingFault::IndirectOutsideMemory);
  }
}

TEST_F(HostileSplit, IndirectTableMisaligned) {
  write(desc(0), table().raw + 4, 16, kDescIndirect);
  make_available(0);
  expect_fault(RingFault::IndirectOutsideMemory);
}

TEST_F(HostileSplit, IndirectNested) {
  write(inner(0), table().raw, 16, kDescIndirect);
  write(desc(0), table().raw, 16, kDescIndirect);
  make_available(0);
  expect_fault(RingFault::IndirectNested);
}

TEST_F(HostileSplit, IndirectTogetherWithNext) {
  write(inner(0), 0x1000, 8, 0);
  write(desc(0), table().raw, 16, kDescIndirect | kDescNext, 1);
  write(desc(1), 0x1000, 8, 0);
  make_available(0);
  expect_fault(RingFault::IndirectWithNext);
}

TEST_F(HostileSplit, IndirectNextOutOfTable) {
  write(inner(0), 0x1000, 8, kDescNext, 1);
  write(desc(0), table().raw, 16, kDescIndirect);
  make_available(0);
  expect_fault(RingFault::NextOutOfRange);
}

TEST_F(HostileSplit, IndirectLoop) {
  write(inner(0), 0x1000, 8, kDescNext, 1);
  write(inner(1), 0x1000, 8, kDescNext, 0);
  write(desc(0), table().raw, 32, kDescIndirect);
  make_available(0);
  expect_fault(RingFault::ChainTooLong);
}

// 2.7.4.2
TEST_F(HostileSplit, ReadableAfterWritable) {
  write(desc(0), 0x1000, 8, kDescNext | kDescWrite, 1);
  write(desc(1), 0x1000, 8, 0);
  make_available(0);
  expect_fault(RingFault::WrongOrder);
}

// The ring checks shape only: where a buffer lies is for the device to judge, which reads or discards it.
TEST_F(HostileSplit, BuffersAreNotLookedAt) {
  write(desc(0), ~std::uint64_t{0}, 0xffffffff, kDescNext, 1);
  write(desc(1), 0, 0, kDescWrite);
  make_available(0);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.buffers[0].length, 0xffffffffu);
  EXPECT_EQ(chain.buffers[1].length, 0u);
}

// Between check and use: what was popped is a copy.
TEST_F(HostileSplit, DescriptorChangedAfterItWasFetched) {
  write(desc(0), 0x1000, 8, kDescNext, 1);
  write(desc(1), 0x2000, 8, kDescWrite);
  make_available(0);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  write(desc(0), ~std::uint64_t{0}, 0xffffffff, kDescIndirect);
  write(desc(1), ~std::uint64_t{0}, 0xffffffff, kDescNext, 0xffff);
  EXPECT_EQ(chain.buffers[0].address.raw, 0x1000u);
  EXPECT_EQ(chain.buffers[1].length, 8u);
  EXPECT_EQ(chain.buffers.size(), 2u);
}

// A head that is made available twice is two chains to the device, which owes the driver each.
TEST_F(HostileSplit, HeadReusedWhileInFlight) {
  write(desc(0), 0x1000, 8, 0);
  make_available(0);
  make_available(0);
  Chain first, second;
  ASSERT_EQ(queue.pop(first), Popped::Chain);
  ASSERT_EQ(queue.pop(second), Popped::Chain);
  queue.push(first, 0);
  queue.push(second, 0);
  EXPECT_EQ(used.idx().load(), 2u);
}

// peers 10: the ring itself, given away by its owner. Indices are the device's own.
TEST_F(HostileSplit, UsedRingOverwritten) {
  write(desc(0), 0x1000, 8, 0);
  make_available(0);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  used.idx().store(0x1234);
  queue.push(chain, 0);
  EXPECT_EQ(used.idx().load(), 1u);
}

// peers 32
TEST_F(HostileSplit, SizesThatThereAreNot) {
  std::vector<QueueBuffer> large(40000);
  for (const unsigned size : {0u, 3u, 100u, 32769u, 0xffffu}) {
    at.size = static_cast<std::uint16_t>(size);
    EXPECT_EQ(queue.start(box.map(), at, {}, {}, large), Status::InvalidArgument) << size;
  }
  at.size = 16;
  EXPECT_EQ(start(), Status::InvalidArgument) << "more than there is room for";
}

TEST_F(HostileSplit, AreasMisalignedOrOutsideMemory) {
  const QueueAddresses good = at;
  const auto refused = [&](GuestPhys QueueAddresses::*area, std::uint64_t address) {
    at = good;
    at.*area = {address};
    return start() == Status::InvalidArgument;
  };
  EXPECT_TRUE(refused(&QueueAddresses::descriptors, good.descriptors.raw + 8));
  EXPECT_TRUE(refused(&QueueAddresses::driver_area, good.driver_area.raw + 1));
  EXPECT_TRUE(refused(&QueueAddresses::device_area, good.device_area.raw + 2));
  for (const std::uint64_t address :
       {std::uint64_t{0}, box.base().raw - 16, box.end().raw, ~std::uint64_t{15}, box.end().raw - 16}) {
    EXPECT_TRUE(refused(&QueueAddresses::descriptors, address)) << address;
    EXPECT_TRUE(refused(&QueueAddresses::driver_area, address)) << address;
    EXPECT_TRUE(refused(&QueueAddresses::device_area, address)) << address;
  }
  // What was refused changed nothing.
  write(desc(0), 0x1000, 8, 0);
  make_available(0);
  Chain chain;
  EXPECT_EQ(queue.pop(chain), Popped::Chain);
}

TEST_F(HostileSplit, RingAcrossTwoRegions) {
  GuestBox other(4096);
  const GuestRegion regions[] = {{{0x10000}, {4096}, box.at(box.base())},
                                 {{0x11000}, {4096}, other.at(other.base())}};
  GuestMemory memory;
  ASSERT_EQ(memory.assign(regions), Status::Ok);
  const auto try_ring = [&](std::uint64_t table, std::uint64_t driver_area, std::uint64_t device_area) {
    return queue.start(memory, {kSize, {table}, {driver_area}, {device_area}}, {}, {}, room);
  };
  EXPECT_EQ(try_ring(0x11000 - 16, 0x10400, 0x10800), Status::InvalidArgument);
  EXPECT_EQ(try_ring(0x10000, 0x11000 - 2, 0x10800), Status::InvalidArgument);
  EXPECT_EQ(try_ring(0x10000, 0x10400, 0x11000 - 4), Status::InvalidArgument);
  EXPECT_EQ(try_ring(0x11000 - 16 * kSize, 0x10400, 0x11000), Status::Ok);
}

}  // namespace
}  // namespace fallow::detail
