// A device that breaks the rules of a ring, in both formats: the driver's end trusts only its private copy.
#include <gtest/gtest.h>

#include "tests/unit/virtio/lying_device.h"

namespace fallow::detail {
namespace {

TYPED_TEST_SUITE(LyingDevice, RingFormats, RingFormatName);

TYPED_TEST(LyingDevice, IdNeverGivenOut) {
  this->add(1);
  this->return_by_hand(5);
  this->expect_fault(DeviceFault::IdNotInFlight, 1);
}

TYPED_TEST(LyingDevice, IdOutOfRange) {
  for (const unsigned id : {8u, 9u, 0x8000u, 0xffffu}) {
    this->restart();
    this->add(1);
    this->return_by_hand(id);
    this->expect_fault(DeviceFault::IdOutOfRange, 1);
  }
}

TYPED_TEST(LyingDevice, IdTwice) {
  this->add(1);
  this->add(2);
  this->return_by_hand(0);
  this->return_by_hand(0);
  Used got;
  ASSERT_EQ(this->ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.token, 1u);
  this->expect_fault(DeviceFault::IdNotInFlight, 1);
}

// Split: the second descriptor of a chain is not a head. Packed: a chain has one id.
TYPED_TEST(LyingDevice, IdFromTheMiddleOfAChain) {
  const std::vector<QueueBuffer> five(5, writable(0, 8));  // longer than a table
  ASSERT_EQ(this->ring.driver.add(five, 1), Status::Ok);
  this->return_by_hand(1);
  this->expect_fault(DeviceFault::IdNotInFlight, 1);
}

TYPED_TEST(LyingDevice, UsedWithNothingInFlight) {
  this->return_by_hand(0);
  this->expect_fault(TypeParam::kPacked ? DeviceFault::IdNotInFlight : DeviceFault::IndexJumped, 0);
}

// 2.7.8: a length is cut to the number of bytes that the device could have written, and is counted.
TYPED_TEST(LyingDevice, LengthTooLarge) {
  this->add(1, 100);
  this->return_by_hand(0, 101);
  Used got;
  ASSERT_EQ(this->ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 100u);
  EXPECT_EQ(this->ring.driver.wrong_lengths(), 1u);
  ASSERT_EQ(this->ring.driver.add(std::array{readable(0, 64)}, 2), Status::Ok);
  this->return_by_hand(0, 64);
  ASSERT_EQ(this->ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 0u);
  EXPECT_EQ(this->ring.driver.wrong_lengths(), 2u);
}

// No length is too large for a chain of more than 4 GiB.
TYPED_TEST(LyingDevice, LengthOfAVeryLargeChain) {
  ASSERT_EQ(this->ring.driver.add(std::array{writable(0, 0xfffff000), writable(0, 0xfffff000)}, 1),
            Status::Ok);
  this->return_by_hand(0, 0xffffffff);
  Used got;
  ASSERT_EQ(this->ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 0xffffffffu);
  EXPECT_EQ(this->ring.driver.wrong_lengths(), 0u);
}

// VQ-2: the driver never reads back what it wrote, so a device may change all of it.
TYPED_TEST(LyingDevice, DescriptorsOverwritten) {
  const std::array three{readable(0x1000, 1), writable(0x2000, 2), writable(0x3000, 4)};
  const std::vector<QueueBuffer> five(5, writable(0x4000, 8));
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(this->ring.driver.add(three, 1), Status::Ok);
    ASSERT_EQ(this->ring.driver.add(five, 2), Status::Ok);
    Chain chain;
    std::vector<Chain> chains;
    while (this->ring.device.pop(chain) == Popped::Chain) chains.push_back(chain);
    ASSERT_EQ(chains.size(), 2u);
    this->overwrite();
    for (const Chain& held : chains) this->ring.device.push(held, 0);
    Used got;
    ASSERT_EQ(this->ring.driver.take(got), Taken::Used);
    EXPECT_EQ(got.token, 1u);
    ASSERT_EQ(this->ring.driver.take(got), Taken::Used);
    EXPECT_EQ(got.token, 2u);
    ASSERT_EQ(this->ring.driver.in_flight(), 0u);
  }
}

}  // namespace
}  // namespace fallow::detail
