// A device that breaks the rules that only a split ring has.
#include <gtest/gtest.h>

#include "tests/unit/virtio/lying_device.h"

namespace fallow::detail {
namespace {

using LyingSplit = LyingDevice<SplitFormat>;

// The id of a split ring has 32 bits.
TEST_F(LyingSplit, IdOfManyBits) {
  add(1);
  return_by_hand(0x10000);
  expect_fault(DeviceFault::IdOutOfRange, 1);
}

TEST_F(LyingSplit, UsedIndexJumps) {
  add(1);
  used_ring().idx().store(2);
  expect_fault(DeviceFault::IndexJumped, 1);
}

TEST_F(LyingSplit, UsedIndexGoesBack) {
  add(1);
  return_by_hand(0);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  used_ring().idx().store(0);
  expect_fault(DeviceFault::IndexJumped, 0);
}

TEST_F(LyingSplit, AvailableRingOverwritten) {
  add(1);
  AvailRing avail(ring.box.at(ring.driver.addresses().driver_area), kSize);
  avail.idx().store(0x1234);
  add(2);
  EXPECT_EQ(avail.idx().load(), 2u);
}

}  // namespace
}  // namespace fallow::detail
