// A driver that breaks the rules that only a packed ring has.
#include <gtest/gtest.h>

#include "tests/unit/virtio/hostile_driver.h"

namespace fallow::detail {
namespace {

using HostilePacked = HostileDriver<PackedFormat>;

// docs/threat-model.md, case 11: a loop in a packed ring is a chain that extends around the whole ring.
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

// A chain must not continue into descriptors that the device holds, whatever flags they have meanwhile.
TEST_F(HostilePacked, ChainIntoDescriptorsInFlight) {
  write(desc(0), 0x1000, 8, kFirst);
  Chain held;
  ASSERT_EQ(queue.pop(held), Popped::Chain);
  for (unsigned i = 1; i < kSize; ++i) write(desc(i), 0x1000, 8, kFirst | kDescNext);
  write(desc(0), 0x1000, 8, kSecond);
  expect_fault(RingFault::ChainTooLong);
}

// 2.8.6: a driver makes the first descriptor available last, so a device never sees only part of a chain.
TEST_F(HostilePacked, ChainAvailableOnlyInPart) {
  write(desc(0), 0x1000, 8, kFirst | kDescNext);
  expect_fault(RingFault::ChainCutOff);
  write(desc(1), 0x1000, 8, kFirst | kDescNext);
  write(desc(2), 0x1000, 8, kSecond);
  expect_fault(RingFault::ChainCutOff);
}

// 2.8.1: the meaning of the flags is inverted at the end of the ring.
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

// docs/threat-model.md, case 14: the driver makes more descriptors available than the ring has, among them
// descriptors that the device holds.
TEST_F(HostilePacked, MadeAvailableWhileAllAreInFlight) {
  for (unsigned i = 0; i < kSize; ++i) write(desc(i), 0x1000, 8, kFirst, i);
  Chain chain;
  for (unsigned i = 0; i < kSize; ++i) ASSERT_EQ(queue.pop(chain), Popped::Chain);
  expect_nothing();
  write(desc(0), 0x1000, 8, kSecond);
  expect_fault(RingFault::IndexJumped);
}

// The driver chooses the ids. The device returns any id unchanged, even one in use twice, and never uses an
// id as an index.
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

// 2.8.6: the id of a chain is the id of its last descriptor.
TEST_F(HostilePacked, TheIdIsTheLastDescriptors) {
  write(desc(0), 0x1000, 8, kFirst | kDescNext, 7);
  write(desc(1), 0x1000, 8, kFirst, 9);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  EXPECT_EQ(chain.id, 9u);
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

// The device writes only the used descriptor at its position, whatever the driver stored there meanwhile.
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

// 2.8.14: invalid content of the driver's event structure causes a superfluous notification and has no other
// effect.
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

// docs/threat-model.md, case 32: positions that a ring of this size does not have.
TEST_F(HostilePacked, PositionsThatDoNotExist) {
  EXPECT_EQ(start(true, {0x8000 | kSize, 0x8000}), Status::InvalidArgument);
  EXPECT_EQ(start(true, {0x8000, kSize}), Status::InvalidArgument);
  EXPECT_EQ(start(true, {0xffff, 0xffff}), Status::InvalidArgument);
  EXPECT_EQ(start(true, {0x8000, 0x8001}), Status::InvalidArgument) << "used is ahead of available";
  EXPECT_EQ(start(true, {0x0001, 0x8000}), Status::InvalidArgument)
      << "the device would hold more descriptors than the ring has";
  EXPECT_EQ(start(true, {0x0000, 0x8000}), Status::Ok) << "the device may hold all descriptors";
}

// 2.8.19: an indirect descriptor is the only descriptor of its chain.
TEST_F(HostilePacked, IndirectAfterADescriptor) {
  write(inner(0), 0x1000, 8, 0);
  write(desc(0), 0x1000, 8, kFirst | kDescNext);
  write(desc(1), table().raw, 16, kFirst | kDescIndirect);
  expect_fault(RingFault::IndirectWithNext);
}

}  // namespace
}  // namespace fallow::detail
