// A driver that breaks the rules of a ring, in both formats: the device's end refuses the chain, names the
// fault, and reads and writes only memory of the queue.
#include <gtest/gtest.h>

#include "tests/unit/virtio/hostile_driver.h"

namespace fallow::detail {
namespace {

TYPED_TEST_SUITE(HostileDriver, RingFormats, RingFormatName);

// docs/threat-model.md, case 13
TYPED_TEST(HostileDriver, ChainAsLongAsTheQueueIsServed) {
  this->offer(this->chain_of(this->kSize));
  Chain chain;
  ASSERT_EQ(this->queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.buffers.size(), this->kSize);
  EXPECT_EQ(chain.slots, TypeParam::slots(this->kSize));
}

// docs/threat-model.md, case 15
TYPED_TEST(HostileDriver, IndirectWithoutTheFeature) {
  ASSERT_EQ(this->start(false), Status::Ok);
  this->offer_table(16);
  this->expect_fault(RingFault::IndirectNotNegotiated);
}

TYPED_TEST(HostileDriver, IndirectTableOfOddLength) {
  for (const std::uint32_t length : {1u, 15u, 17u, 0xffffffffu}) {
    this->offer_table(length);
    this->expect_fault(RingFault::IndirectLength);
  }
}

TYPED_TEST(HostileDriver, IndirectTableEmpty) {
  this->offer_table(0);
  this->expect_fault(RingFault::IndirectLength);
}

// Every descriptor of a packed table is an element, so that its length alone is too large.
TYPED_TEST(HostileDriver, IndirectTableHuge) {
  this->offer_table(0xfffffff0);
  this->expect_fault(TypeParam::kPacked ? RingFault::ChainTooLong : RingFault::IndirectOutsideMemory);
}

// All of the table is in memory, but a chain must not have that number of elements.
TYPED_TEST(HostileDriver, IndirectTableLongerThanTheQueue) {
  this->fill_table(this->chain_of(this->kSize + 1));
  this->offer_table(16 * (this->kSize + 1));
  this->expect_fault(RingFault::ChainTooLong);
}

TYPED_TEST(HostileDriver, IndirectTableAsLongAsTheQueueIsServed) {
  auto cells = this->chain_of(this->kSize);
  for (unsigned i = 0; i < this->kSize; ++i) {
    cells[i].addr = 0x1000 * i;
    cells[i].len = i;
    cells[i].flags |= kDescWrite;
  }
  this->fill_table(cells);
  this->offer_table(16 * this->kSize);
  Chain chain;
  ASSERT_EQ(this->queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.id, this->kOfferedId);
  EXPECT_EQ(chain.slots, 1u);
  ASSERT_EQ(chain.buffers.size(), this->kSize);
  EXPECT_EQ(chain.buffers[4].address.raw, 0x4000u);
}

TYPED_TEST(HostileDriver, IndirectTableOutsideMemory) {
  for (const std::uint64_t address : {std::uint64_t{0}, this->box.end().raw - 16, this->box.end().raw,
                                      this->box.base().raw - 16, ~std::uint64_t{0} - 15}) {
    this->offer({{address, 32, kDescIndirect}});
    this->expect_fault(RingFault::IndirectOutsideMemory);
  }
}

TYPED_TEST(HostileDriver, IndirectTableMisaligned) {
  this->offer({{this->table().raw + 4, 16, kDescIndirect}});
  this->expect_fault(RingFault::IndirectOutsideMemory);
}

TYPED_TEST(HostileDriver, IndirectNested) {
  this->fill_table({{this->table().raw, 16, kDescIndirect}});
  this->offer_table(16);
  this->expect_fault(RingFault::IndirectNested);
  this->fill_table({{0x1000, 8, kDescNext}, {this->table().raw, 16, kDescIndirect}});
  this->offer_table(32);
  this->expect_fault(RingFault::IndirectNested);
}

// 2.7.5.3.1, 2.8.19
TYPED_TEST(HostileDriver, IndirectTogetherWithNext) {
  this->fill_table({{0x1000, 8, 0}});
  this->offer({{this->table().raw, 16, kDescIndirect | kDescNext}, {0x1000, 8, 0}});
  this->expect_fault(RingFault::IndirectWithNext);
}

// 2.7.4.2, 2.8.17
TYPED_TEST(HostileDriver, ReadableAfterWritable) {
  this->offer({{0x1000, 8, kDescNext | kDescWrite}, {0x1000, 8, 0}});
  this->expect_fault(RingFault::WrongOrder);
  this->fill_table({{0x1000, 8, kDescNext | kDescWrite}, {0x1000, 8, 0}});
  this->offer_table(32);
  this->expect_fault(RingFault::WrongOrder);
}

// The queue checks only the shape of a chain. The device, which reads or discards a buffer, judges its
// address.
TYPED_TEST(HostileDriver, BuffersAreNotLookedAt) {
  for (const unsigned first : {0u, unsigned{kDescWrite}}) {
    ASSERT_EQ(this->start(), Status::Ok);
    this->offer({{~std::uint64_t{0}, 0xffffffff, kDescNext | first},
                 {0, 0xffffffff, kDescNext | kDescWrite},
                 {0, 0, kDescWrite}});
    Chain chain;
    ASSERT_EQ(this->queue.pop(chain), Popped::Chain);
    EXPECT_EQ(chain.buffers[0].length, 0xffffffffu);
    EXPECT_EQ(chain.buffers[2].length, 0u);
  }
}

// VQ-1: a popped chain is a copy, which the driver cannot change between check and use.
TYPED_TEST(HostileDriver, DescriptorChangedAfterItWasFetched) {
  this->offer({{0x1000, 8, kDescNext}, {0x2000, 8, kDescWrite}});
  Chain chain;
  ASSERT_EQ(this->queue.pop(chain), Popped::Chain);
  const unsigned second_round = TypeParam::kPacked ? this->kSecond : 0;
  this->write(this->desc(0), ~std::uint64_t{0}, 0xffffffff, kDescIndirect | second_round);
  this->write(this->desc(1), ~std::uint64_t{0}, 0xffffffff, kDescNext | second_round, 0xffff);
  EXPECT_EQ(chain.id, this->kOfferedId);
  ASSERT_EQ(chain.buffers.size(), 2u);
  EXPECT_EQ(chain.buffers[0].address.raw, 0x1000u);
  EXPECT_EQ(chain.buffers[1].length, 8u);
}

// docs/threat-model.md, case 32
TYPED_TEST(HostileDriver, SizesThatDoNotExist) {
  std::vector<QueueBuffer> large(40000);
  for (const std::uint16_t size : TypeParam::kBadSizes) {
    this->at.size = size;
    EXPECT_EQ(
        this->queue.start(this->box.map(), this->at, {}, QueuePosition::fresh(TypeParam::kPacked), large),
        Status::InvalidArgument)
        << size;
  }
  this->at.size = static_cast<std::uint16_t>(TypeParam::kPacked ? this->kSize + 1 : 2 * this->kSize);
  EXPECT_EQ(this->start(), Status::InvalidArgument) << "the room is too small for a chain of this size";
}

TYPED_TEST(HostileDriver, AreasMisalignedOrOutsideMemory) {
  const QueueAddresses good = this->at;
  const auto refused = [&](GuestPhys QueueAddresses::*area, std::uint64_t address) {
    this->at = good;
    this->at.*area = {address};
    const bool invalid = this->start() == Status::InvalidArgument;
    this->at = good;
    return invalid;
  };
  EXPECT_TRUE(refused(&QueueAddresses::descriptors, good.descriptors.raw + 8));
  EXPECT_TRUE(refused(&QueueAddresses::driver_area, good.driver_area.raw + (TypeParam::kPacked ? 2 : 1)));
  EXPECT_TRUE(refused(&QueueAddresses::device_area, good.device_area.raw + (TypeParam::kPacked ? 1 : 2)));
  EXPECT_TRUE(refused(&QueueAddresses::descriptors, this->box.end().raw - 16));
  if (!TypeParam::kPacked) {  // the event structures of a packed ring fit there
    EXPECT_TRUE(refused(&QueueAddresses::driver_area, this->box.end().raw - 16));
    EXPECT_TRUE(refused(&QueueAddresses::device_area, this->box.end().raw - 16));
  }
  for (const std::uint64_t address :
       {std::uint64_t{0}, this->box.base().raw - 16, this->box.end().raw, ~std::uint64_t{15}}) {
    EXPECT_TRUE(refused(&QueueAddresses::descriptors, address)) << address;
    EXPECT_TRUE(refused(&QueueAddresses::driver_area, address)) << address;
    EXPECT_TRUE(refused(&QueueAddresses::device_area, address)) << address;
  }
  // A refused start leaves the queue as it was.
  this->offer(this->chain_of(1));
  Chain chain;
  EXPECT_EQ(this->queue.pop(chain), Popped::Chain);
}

// Two regions that are adjacent in guest memory need not be adjacent in the memory of the device.
TYPED_TEST(HostileDriver, RingAcrossTwoRegions) {
  GuestBox other(4096);
  const GuestRegion regions[] = {{{0x10000}, {4096}, this->box.at(this->box.base())},
                                 {{0x11000}, {4096}, other.at(other.base())}};
  GuestMemory memory;
  ASSERT_EQ(memory.assign(regions), Status::Ok);
  const auto try_ring = [&](std::uint64_t table, std::uint64_t driver_area, std::uint64_t device_area) {
    return this->queue.start(memory, {this->kSize, {table}, {driver_area}, {device_area}}, {},
                             QueuePosition::fresh(TypeParam::kPacked), this->room);
  };
  EXPECT_EQ(try_ring(0x11000 - 16, 0x10400, 0x10800), Status::InvalidArgument);
  EXPECT_EQ(try_ring(0x10000, 0x11000 - 2, 0x10800), Status::InvalidArgument);
  EXPECT_EQ(try_ring(0x11000 - 16 * this->kSize, 0x10400, 0x11000), Status::Ok);
  EXPECT_EQ(try_ring(0x11000, 0x10800, 0x10900), Status::Ok);
  // Four bytes hold an event structure, but no used ring.
  EXPECT_EQ(try_ring(0x10000, 0x10400, 0x11000 - 4),
            TypeParam::kPacked ? Status::Ok : Status::InvalidArgument);
}

}  // namespace
}  // namespace fallow::detail
