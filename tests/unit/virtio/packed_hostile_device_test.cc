// A driver that breaks the rules of the packed ring: the device's end refuses, names the fault, and reads and
// writes nothing that is not its.
#include <gtest/gtest.h>

#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kSize = 5;
// Flags of a descriptor that is available in the first round, and in the second.
constexpr unsigned kFirst = kPackedAvail, kSecond = kPackedUsed;

// A ring in guest memory, written to by hand.
class HostilePacked : public testing::Test {
 protected:
  HostilePacked() : box(8 * 4096), room(kSize) {
    at = {kSize, box.base(), box.base() + ByteCount{0x400}, box.base() + ByteCount{0x800}};
    EXPECT_EQ(start(), Status::Ok);
  }
  Status start(bool indirect = true, QueuePosition position = QueuePosition::fresh(true)) {
    return queue.start(box.map(), at, {.packed = true, .event_index = true, .indirect = indirect}, position,
                       room);
  }
  PvirtqDesc& desc(std::uint64_t i) { return box.as<PvirtqDesc>(at.descriptors + ByteCount{16 * i}); }
  PvirtqDesc& inner(std::uint64_t i) { return box.as<PvirtqDesc>(table() + ByteCount{16 * i}); }
  GuestPhys table() const { return box.base() + ByteCount{0x2000}; }
  static void write(PvirtqDesc& cell, std::uint64_t addr, std::uint32_t len, unsigned flags,
                    unsigned id = 0) {
    cell.addr.store(addr);
    cell.len.store(len);
    cell.id.store(static_cast<std::uint16_t>(id));
    cell.flags.store(static_cast<std::uint16_t>(flags));
  }
  void expect_fault(RingFault fault) {
    Chain chain;
    const QueuePosition before = queue.position();
    std::vector<std::byte> memory(box.at(box.base()), box.at(box.base()) + box.size());
    EXPECT_EQ(queue.pop(chain), Popped::Broken);
    EXPECT_EQ(queue.fault(), fault) << describe(queue.fault());
    EXPECT_EQ(queue.pop(chain), Popped::Broken) << "it stays broken";
    EXPECT_EQ(queue.position().next_avail, before.next_avail) << "nothing was taken";
    EXPECT_EQ(std::memcmp(memory.data(), box.at(box.base()), box.size()), 0) << "nothing was written";
    EXPECT_FALSE(queue.ask_for_kicks(true)) << "there is nothing to pop again for";
    EXPECT_EQ(start(), Status::Ok) << "and can be started anew";
    EXPECT_EQ(queue.fault(), RingFault::None);
  }
  void expect_nothing() {
    Chain chain;
    EXPECT_EQ(queue.pop(chain), Popped::Nothing);
    EXPECT_EQ(queue.fault(), RingFault::None);
  }

  GuestBox box;
  std::vector<QueueBuffer> room;
  QueueAddresses at;
  PackedDeviceQueue queue;
};

// peers 11: in a packed ring a loop is a chain that goes round the ring.
TEST_F(HostilePacked, LoopAroundTheRing) {
  for (unsigned i = 0; i < kSize; ++i) write(desc(i), 0x1000, 8, kFirst | kDescNext);
  expect_fault(RingFault::ChainTooLong);
}

TEST_F(HostilePacked, LoopOfLengthOne) {
  std::vector<QueueBuffer> one(1);
  at.size = 1;
  write(desc(0), 0x1000, 8, kFirst | kDescNext);
  ASSERT_EQ(start(), Status::Ok);
  expect_fault(RingFault::ChainTooLong);
}

// A chain may not go on over descriptors that the device holds, whatever their flags say by now.
TEST_F(HostilePacked, ChainIntoDescriptorsInFlight) {
  write(desc(0), 0x1000, 8, kFirst);
  Chain held;
  ASSERT_EQ(queue.pop(held), Popped::Chain);
  for (unsigned i = 1; i < kSize; ++i) write(desc(i), 0x1000, 8, kFirst | kDescNext);
  write(desc(0), 0x1000, 8, kSecond);
  expect_fault(RingFault::ChainTooLong);
}

// peers 13
TEST_F(HostilePacked, ChainAsLongAsTheQueueIsServed) {
  for (unsigned i = 0; i < kSize; ++i)
    write(desc(i), 0x1000, 8, kFirst | (i + 1 < kSize ? kDescNext : 0u), i);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.buffers.size(), kSize);
  EXPECT_EQ(chain.slots, kSize);
}

// 2.8.6: the first descriptor is made available last, so that the device never sees a part of a chain.
TEST_F(HostilePacked, ChainAvailableOnlyInPart) {
  write(desc(0), 0x1000, 8, kFirst | kDescNext);
  expect_fault(RingFault::ChainCutOff);
  write(desc(1), 0x1000, 8, kFirst | kDescNext);
  write(desc(2), 0x1000, 8, kSecond);
  expect_fault(RingFault::ChainCutOff);
}

// 2.8.1: across the end of the ring the flags change sides.
TEST_F(HostilePacked, WrapCounterNotFlippedAtTheEndOfTheRing) {
  constexpr QueuePosition kLast{0x8000 | (kSize - 1), 0x8000 | (kSize - 1)};
  ASSERT_EQ(start(true, kLast), Status::Ok);
  write(desc(kSize - 1), 0x1000, 8, kFirst | kDescNext);
  write(desc(0), 0x1000, 8, kFirst);
  expect_fault(RingFault::ChainCutOff);
  write(desc(0), 0x1000, 8, kSecond);
  ASSERT_EQ(start(true, kLast), Status::Ok);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.slots, 2u);
}

TEST_F(HostilePacked, WrapCounterFlipped) {
  for (const unsigned flags : {0u, kSecond, kFirst | kSecond}) {
    write(desc(0), 0x1000, 8, flags);
    expect_nothing();
  }
}

TEST_F(HostilePacked, WrapCounterFlippedWhileInFlight) {
  write(desc(0), 0x1000, 8, kFirst, 1);
  write(desc(1), 0x1000, 8, kFirst, 2);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  write(desc(0), 0x1000, 8, kSecond, 3);
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.id, 2u);
  expect_nothing();
}

// peers 14: more made available than there are descriptors, those that the device holds among them.
TEST_F(HostilePacked, MadeAvailableWhileAllAreInFlight) {
  for (unsigned i = 0; i < kSize; ++i) write(desc(i), 0x1000, 8, kFirst, i);
  Chain chain;
  for (unsigned i = 0; i < kSize; ++i) ASSERT_EQ(queue.pop(chain), Popped::Chain);
  expect_nothing();
  write(desc(0), 0x1000, 8, kSecond);
  expect_fault(RingFault::IndexJumped);
}

// Ids are the driver's own affair: any of them, twice or not, comes back as it was, and indexes nothing here.
TEST_F(HostilePacked, IdsOutOfRangeAndReused) {
  for (unsigned i = 0; i < 3; ++i) write(desc(i), 0x1000, 8, kFirst, 0xffff);
  Chain chain;
  for (unsigned i = 0; i < 3; ++i) {
    ASSERT_EQ(queue.pop(chain), Popped::Chain);
    EXPECT_EQ(chain.id, 0xffffu);
    queue.push(chain, 0);
    EXPECT_EQ(desc(i).id.load(), 0xffffu);
  }
}

// 2.8.6
TEST_F(HostilePacked, TheIdIsTheLastDescriptors) {
  write(desc(0), 0x1000, 8, kFirst | kDescNext, 7);
  write(desc(1), 0x1000, 8, kFirst, 9);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.id, 9u);
}

// peers 15
TEST_F(HostilePacked, IndirectWithoutTheFeature) {
  ASSERT_EQ(start(false), Status::Ok);
  write(desc(0), table().raw, 16, kFirst | kDescIndirect);
  expect_fault(RingFault::IndirectNotNegotiated);
}

TEST_F(HostilePacked, IndirectTableOfOddLength) {
  for (const std::uint32_t length : {1u, 15u, 17u, 0xffffffffu}) {
    write(desc(0), table().raw, length, kFirst | kDescIndirect);
    expect_fault(RingFault::IndirectLength);
  }
}

TEST_F(HostilePacked, IndirectTableEmpty) {
  write(desc(0), table().raw, 0, kFirst | kDescIndirect);
  expect_fault(RingFault::IndirectLength);
}

TEST_F(HostilePacked, IndirectTableHuge) {
  write(desc(0), table().raw, 0xfffffff0, kFirst | kDescIndirect);
  expect_fault(RingFault::ChainTooLong);
}

TEST_F(HostilePacked, IndirectTableLongerThanTheQueue) {
  write(desc(0), table().raw, 16 * (kSize + 1), kFirst | kDescIndirect);
  expect_fault(RingFault::ChainTooLong);
}

TEST_F(HostilePacked, IndirectTableAsLongAsTheQueueIsServed) {
  write(desc(0), table().raw, 16 * kSize, kFirst | kDescIndirect, 3);
  for (unsigned i = 0; i < kSize; ++i) write(inner(i), 0x1000 * i, i, kDescWrite, 0x1234);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.id, 3u);
  EXPECT_EQ(chain.slots, 1u);
  ASSERT_EQ(chain.buffers.size(), kSize);
  EXPECT_EQ(chain.buffers[4].address.raw, 0x4000u);
}

TEST_F(HostilePacked, IndirectTableOutsideMemory) {
  for (const std::uint64_t address :
       {std::uint64_t{0}, box.end().raw - 16, box.end().raw, box.base().raw - 16, ~std::uint64_t{0} - 15}) {
    write(desc(0), address, 32, kFirst | kDescIndirect);
    expect_fault(RingFault::IndirectOutsideMemory);
  }
}

TEST_F(HostilePacked, IndirectTableMisaligned) {
  write(desc(0), table().raw + 4, 16, kFirst | kDescIndirect);
  expect_fault(RingFault::IndirectOutsideMemory);
}

TEST_F(HostilePacked, IndirectNested) {
  write(inner(0), 0x1000, 8, 0);
  write(inner(1), table().raw, 16, kDescIndirect);
  write(desc(0), table().raw, 32, kFirst | kDescIndirect);
  expect_fault(RingFault::IndirectNested);
}

// 2.8.7: in a table, every flag except the write flag is reserved and ignored.
TEST_F(HostilePacked, IndirectNextIsIgnored) {
  write(inner(0), 0x1000, 8, kDescNext);
  write(inner(1), 0x1000, 8, kDescNext | kSecond | kDescWrite);
  write(desc(0), table().raw, 32, kFirst | kDescIndirect);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.buffers.size(), 2u);
}

// 2.8.19
TEST_F(HostilePacked, IndirectTogetherWithNext) {
  write(desc(0), table().raw, 16, kFirst | kDescIndirect | kDescNext);
  write(desc(1), 0x1000, 8, kFirst);
  expect_fault(RingFault::IndirectWithNext);
  write(desc(0), 0x1000, 8, kFirst | kDescNext);
  write(desc(1), table().raw, 16, kFirst | kDescIndirect);
  expect_fault(RingFault::IndirectWithNext);
}

// 2.8.17
TEST_F(HostilePacked, ReadableAfterWritable) {
  write(desc(0), 0x1000, 8, kFirst | kDescNext | kDescWrite);
  write(desc(1), 0x1000, 8, kFirst);
  expect_fault(RingFault::WrongOrder);
  write(inner(0), 0x1000, 8, kDescWrite);
  write(inner(1), 0x1000, 8, 0);
  write(desc(0), table().raw, 32, kFirst | kDescIndirect);
  expect_fault(RingFault::WrongOrder);
}

// The ring checks shape only: where a buffer lies is for the device to judge, which reads or discards it.
TEST_F(HostilePacked, BuffersAreNotLookedAt) {
  write(desc(0), ~std::uint64_t{0}, 0xffffffff, kFirst | kDescNext | kDescWrite);
  write(desc(1), 0, 0xffffffff, kFirst | kDescNext | kDescWrite);
  write(desc(2), 0, 0, kFirst | kDescWrite);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.buffers[0].length, 0xffffffffu);
  EXPECT_EQ(chain.buffers[2].length, 0u);
}

// Between check and use: what was popped is a copy.
TEST_F(HostilePacked, DescriptorChangedAfterItWasFetched) {
  write(desc(0), 0x1000, 8, kFirst | kDescNext);
  write(desc(1), 0x2000, 8, kFirst | kDescWrite, 4);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  write(desc(0), ~std::uint64_t{0}, 0xffffffff, kSecond | kDescIndirect);
  write(desc(1), ~std::uint64_t{0}, 0xffffffff, kSecond | kDescNext, 0xffff);
  EXPECT_EQ(chain.id, 4u);
  ASSERT_EQ(chain.buffers.size(), 2u);
  EXPECT_EQ(chain.buffers[0].address.raw, 0x1000u);
  EXPECT_EQ(chain.buffers[1].length, 8u);
}

// Nothing but the one used descriptor is written, where the device stands, whatever lies there now.
TEST_F(HostilePacked, DescriptorsOverwrittenWhileInFlight) {
  write(desc(0), 0x1000, 8, kFirst | kDescNext);
  write(desc(1), 0x2000, 8, kFirst | kDescWrite, 4);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  std::memset(box.at(at.descriptors), 0xa5, 16 * kSize);
  queue.push(chain, 8);
  EXPECT_EQ(desc(0).id.load(), 4u);
  EXPECT_EQ(desc(0).len.load(), 8u);
  EXPECT_EQ(desc(0).flags.load(), kPackedAvail | kPackedUsed | kDescWrite);
  for (unsigned i = 1; i < kSize; ++i) EXPECT_EQ(desc(i).len.load(), 0xa5a5a5a5u);
  EXPECT_EQ(queue.position().next_used, 0x8002u);
}

// 2.8.14: garbage in the driver's structure makes for a notification too many, not for anything else.
TEST_F(HostilePacked, EventOutOfRange) {
  auto& event = box.as<PvirtqEventSuppress>(at.driver_area);
  for (const unsigned word : {0x8005u, 0x7fffu, 0xffffu}) {
    ASSERT_EQ(start(), Status::Ok);
    event.desc.store(static_cast<std::uint16_t>(word));
    event.flags.store(kRingEventDesc);
    write(desc(0), 0x1000, 8, kFirst);
    Chain chain;
    ASSERT_EQ(queue.pop(chain), Popped::Chain);
    queue.push(chain, 0);
    EXPECT_TRUE(queue.take_notification());
  }
}

// peers 32
TEST_F(HostilePacked, SizesThatThereAreNot) {
  std::vector<QueueBuffer> large(40000);
  for (const unsigned size : {0u, 32769u, 0xffffu}) {
    at.size = static_cast<std::uint16_t>(size);
    EXPECT_EQ(queue.start(box.map(), at, {}, QueuePosition::fresh(true), large), Status::InvalidArgument)
        << size;
  }
  at.size = kSize + 1;
  EXPECT_EQ(start(), Status::InvalidArgument) << "more than there is room for";
}

// peers 32: a position that no ring of this size can be at.
TEST_F(HostilePacked, PositionsThatThereAreNot) {
  EXPECT_EQ(start(true, {0x8000 | kSize, 0x8000}), Status::InvalidArgument);
  EXPECT_EQ(start(true, {0x8000, kSize}), Status::InvalidArgument);
  EXPECT_EQ(start(true, {0xffff, 0xffff}), Status::InvalidArgument);
  EXPECT_EQ(start(true, {0x8000, 0x8001}), Status::InvalidArgument) << "used what was not available";
  EXPECT_EQ(start(true, {0x0001, 0x8000}), Status::InvalidArgument) << "holds more than there are";
  EXPECT_EQ(start(true, {0x0000, 0x8000}), Status::Ok) << "holds all";
}

TEST_F(HostilePacked, AreasMisalignedOrOutsideMemory) {
  const QueueAddresses good = at;
  const auto refused = [&](GuestPhys QueueAddresses::*area, std::uint64_t address) {
    at = good;
    at.*area = {address};
    const bool is = start() == Status::InvalidArgument;
    at = good;
    return is;
  };
  EXPECT_TRUE(refused(&QueueAddresses::descriptors, good.descriptors.raw + 8));
  EXPECT_TRUE(refused(&QueueAddresses::driver_area, good.driver_area.raw + 2));
  EXPECT_TRUE(refused(&QueueAddresses::device_area, good.device_area.raw + 1));
  EXPECT_TRUE(refused(&QueueAddresses::descriptors, box.end().raw - 16));
  for (const std::uint64_t address :
       {std::uint64_t{0}, box.base().raw - 16, box.end().raw, ~std::uint64_t{15}}) {
    EXPECT_TRUE(refused(&QueueAddresses::descriptors, address)) << address;
    EXPECT_TRUE(refused(&QueueAddresses::driver_area, address)) << address;
    EXPECT_TRUE(refused(&QueueAddresses::device_area, address)) << address;
  }
  // What was refused changed nothing.
  write(desc(0), 0x1000, 8, kFirst);
  Chain chain;
  EXPECT_EQ(queue.pop(chain), Popped::Chain);
}

// Two regions that touch in the guest need not touch here.
TEST_F(HostilePacked, RingAcrossTwoRegions) {
  GuestBox other(4096);
  const GuestRegion regions[] = {{{0x10000}, {4096}, box.at(box.base())},
                                 {{0x11000}, {4096}, other.at(other.base())}};
  GuestMemory memory;
  ASSERT_EQ(memory.assign(regions), Status::Ok);
  const auto try_ring = [&](std::uint64_t address) {
    return queue.start(memory, {kSize, {address}, {0x10800}, {0x10900}}, {}, QueuePosition::fresh(true),
                       room);
  };
  EXPECT_EQ(try_ring(0x11000 - 16), Status::InvalidArgument);
  EXPECT_EQ(try_ring(0x11000 - 16 * kSize), Status::Ok);
  EXPECT_EQ(try_ring(0x11000), Status::Ok);
}

}  // namespace
}  // namespace fallow::detail
