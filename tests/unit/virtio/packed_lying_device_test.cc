// A device that breaks the rules that only a packed ring has.
#include <gtest/gtest.h>

#include "tests/unit/virtio/lying_device.h"

namespace fallow::detail {
namespace {

using LyingPacked = LyingDevice<PackedFormat>;

constexpr unsigned kUsedFirst = kPackedAvail | kPackedUsed;  // used in the first round; in the second: 0

// More descriptors are used than chains were added.
TEST_F(LyingPacked, UsedMoreThanWasAdded) {
  add(1);
  for (unsigned i = 0; i < kSize; ++i) return_by_hand(0);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  expect_fault(DeviceFault::IdNotInFlight, 0);
}

TEST_F(LyingPacked, WrapCounterFlipped) {
  add(1);
  Used got;
  for (const unsigned flags : {0u, unsigned{kPackedAvail}, unsigned{kPackedUsed}}) {
    return_at(0, 0, 0, flags);
    EXPECT_EQ(ring.driver.take(got), Taken::Nothing);
  }
}

// The driver does not look at a used descriptor in the middle of a chain.
TEST_F(LyingPacked, UsedInTheMiddleOfAChain) {
  const std::vector<QueueBuffer> five(5, writable(0, 8));  // longer than a table
  ASSERT_EQ(ring.driver.add(five, 1), Status::Ok);
  return_at(1, 0);
  Used got;
  EXPECT_EQ(ring.driver.take(got), Taken::Nothing);
  return_at(0, 0);
  EXPECT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(ring.driver.take(got), Taken::Nothing);
}

// 2.8.4: without the write flag the length is reserved, and the driver ignores it.
TEST_F(LyingPacked, LengthWithoutTheWriteFlag) {
  add(1, 100);
  return_at(0, 0, 0xffffffff, kUsedFirst);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 0u);
  EXPECT_EQ(ring.driver.wrong_lengths(), 0u);
}

// 2.8.6: NEXT and INDIRECT are reserved in used descriptors, and the driver ignores them.
TEST_F(LyingPacked, ReservedFlagsInAUsedDescriptor) {
  add(1);
  return_at(0, 0, 8, kUsedFirst | kDescWrite | kDescNext | kDescIndirect | 0x7f78);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 8u);
}

// 2.8.14: invalid content of the device's event structure causes a superfluous kick and has no other effect.
TEST_F(LyingPacked, EventOutOfRange) {
  auto& event = ring.box.as<PvirtqEventSuppress>(ring.driver.addresses().device_area);
  for (const unsigned word : {0x8008u, 0x7fffu, 0xffffu}) {
    event.desc.store(static_cast<std::uint16_t>(word));
    event.flags.store(kRingEventDesc);
    add(1);
    EXPECT_TRUE(ring.driver.take_kick());
  }
}

}  // namespace
}  // namespace fallow::detail
