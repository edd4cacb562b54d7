// A driver that breaks the rules that only a split ring has.
#include <gtest/gtest.h>

#include "tests/unit/virtio/hostile_driver.h"

namespace fallow::detail {
namespace {

using HostileSplit = HostileDriver<SplitFormat>;

// docs/threat-model.md, case 11
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

// docs/threat-model.md, case 12
TEST_F(HostileSplit, HeadOutOfRange) {
  for (const unsigned head : {8u, 9u, 0x7fffu, 0xffffu}) {
    make_available(static_cast<std::uint16_t>(head));
    expect_fault(RingFault::HeadOutOfRange);
  }
}

TEST_F(HostileSplit, NextOutOfRange) {
  for (const unsigned after : {8u, 9u, 0x7fffu, 0xffffu}) {
    write(desc(0), 0x1000, 8, kDescNext, after);
    make_available(0);
    expect_fault(RingFault::NextOutOfRange);
  }
}

// docs/threat-model.md, case 14
TEST_F(HostileSplit, AvailableIndexJumps) {
  for (const unsigned idx : {9u, 100u, 0x8000u, 0xffffu}) {
    avail().idx().store(static_cast<std::uint16_t>(idx));
    expect_fault(RingFault::IndexJumped);
  }
}

TEST_F(HostileSplit, AvailableIndexGoesBack) {
  write(desc(0), 0x1000, 8, 0);
  for (int i = 0; i < 5; ++i) make_available(0);
  Chain chain;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(queue.pop(chain), Popped::Chain);
  avail().idx().store(4);
  EXPECT_EQ(queue.pop(chain), Popped::Broken);
  EXPECT_EQ(queue.fault(), RingFault::IndexJumped);
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

// A head that is made available twice counts as two chains, and the device returns both.
TEST_F(HostileSplit, HeadReusedWhileInFlight) {
  write(desc(0), 0x1000, 8, 0);
  make_available(0);
  make_available(0);
  Chain first, second;
  ASSERT_EQ(queue.pop(first), Popped::Chain);
  ASSERT_EQ(queue.pop(second), Popped::Chain);
  queue.push(first, 0);
  queue.push(second, 0);
  EXPECT_EQ(used().idx().load(), 2u);
}

// docs/threat-model.md, case 10: the driver overwrites the used ring. The device keeps its own indices.
TEST_F(HostileSplit, UsedRingOverwritten) {
  write(desc(0), 0x1000, 8, 0);
  make_available(0);
  Chain chain;
  ASSERT_EQ(queue.pop(chain), Popped::Chain);
  used().idx().store(0x1234);
  queue.push(chain, 0);
  EXPECT_EQ(used().idx().load(), 1u);
}

}  // namespace
}  // namespace fallow::detail
