// A device that lies on the split ring: the driver's end believes its private copy only.
#include <gtest/gtest.h>

#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

class LyingSplit : public testing::Test {
 protected:
  using Ring = RingBox<SplitDriverQueue, SplitDeviceQueue>;
  LyingSplit()
      : ring({.size = 8,
              .ring = {.packed = false, .event_index = false, .indirect = true},
              .indirect_tables = 2,
              .indirect_length = 4}),
        used(ring.box.at(ring.driver.addresses().device_area), 8) {}

  void add(std::uint64_t token, std::uint32_t length = 8) {
    ASSERT_EQ(ring.driver.add(std::array{writable(0x1000, length)}, token), Status::Ok);
  }
  void return_by_hand(std::uint32_t id, std::uint32_t length = 0) {
    used.ring(next % 8u).id.store(id);
    used.ring(next % 8u).len.store(length);
    used.idx().store(++next);
  }
  // The queue is broken and stays broken.
  void expect_fault(DeviceFault fault, std::uint32_t in_flight) {
    Used got;
    EXPECT_EQ(ring.driver.take(got), Taken::Broken);
    EXPECT_EQ(ring.driver.fault(), fault) << describe(ring.driver.fault());
    EXPECT_EQ(ring.driver.add(std::array{writable(0, 1)}, 9), Status::Failed);
    EXPECT_EQ(ring.driver.in_flight(), in_flight);
  }

  Ring ring;
  UsedRing used;
  std::uint16_t next = 0;
};

TEST_F(LyingSplit, IdNeverGivenOut) {
  add(1);
  return_by_hand(5);
  expect_fault(DeviceFault::IdNotInFlight, 1);
}

TEST_F(LyingSplit, IdOutOfRange) {
  add(1);
  return_by_hand(8);
  expect_fault(DeviceFault::IdOutOfRange, 1);
}

TEST_F(LyingSplit, IdOfManyBits) {
  add(1);
  return_by_hand(0x10000);
  expect_fault(DeviceFault::IdOutOfRange, 1);
}

TEST_F(LyingSplit, IdTwice) {
  add(1);
  add(2);
  return_by_hand(0);
  return_by_hand(0);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.token, 1u);
  expect_fault(DeviceFault::IdNotInFlight, 1);
}

// The second descriptor of a chain is no head.
TEST_F(LyingSplit, IdFromTheMiddleOfAChain) {
  std::vector<QueueBuffer> five(5, writable(0, 8));  // longer than a table
  ASSERT_EQ(ring.driver.add(five, 1), Status::Ok);
  return_by_hand(1);
  expect_fault(DeviceFault::IdNotInFlight, 1);
}

TEST_F(LyingSplit, UsedIndexJumps) {
  add(1);
  used.idx().store(2);
  expect_fault(DeviceFault::IndexJumped, 1);
}

TEST_F(LyingSplit, UsedIndexGoesBack) {
  add(1);
  return_by_hand(0);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  used.idx().store(0);
  expect_fault(DeviceFault::IndexJumped, 0);
}

TEST_F(LyingSplit, UsedWithNothingInFlight) {
  return_by_hand(0);
  expect_fault(DeviceFault::IndexJumped, 0);
}

// 2.7.8: cut to what could have been written, and counted.
TEST_F(LyingSplit, LengthTooLarge) {
  add(1, 100);
  return_by_hand(0, 101);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 100u);
  EXPECT_EQ(ring.driver.wrong_lengths(), 1u);
  ASSERT_EQ(ring.driver.add(std::array{readable(0, 64)}, 2), Status::Ok);
  return_by_hand(0, 64);
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 0u);
  EXPECT_EQ(ring.driver.wrong_lengths(), 2u);
}

// A chain of more than 4 GiB is none that a length can be too large for.
TEST_F(LyingSplit, LengthOfAVeryLargeChain) {
  ASSERT_EQ(ring.driver.add(std::array{writable(0, 0xfffff000), writable(0, 0xfffff000)}, 1), Status::Ok);
  return_by_hand(0, 0xffffffff);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 0xffffffffu);
  EXPECT_EQ(ring.driver.wrong_lengths(), 0u);
}

// The driver never reads back what it wrote: descriptors, links and tables may be changed under it.
TEST_F(LyingSplit, DescriptorsOverwritten) {
  const std::array three{readable(0x1000, 1), writable(0x2000, 2), writable(0x3000, 4)};
  std::vector<QueueBuffer> five(5, writable(0x4000, 8));
  for (int round = 0; round < 20; ++round) {
    ASSERT_EQ(ring.driver.add(three, 1), Status::Ok);
    ASSERT_EQ(ring.driver.add(five, 2), Status::Ok);
    Chain chain;
    std::vector<std::uint16_t> ids;
    while (ring.device.pop(chain) == Popped::Chain) ids.push_back(chain.id);
    ASSERT_EQ(ids.size(), 2u);
    std::memset(ring.box.at(ring.driver.addresses().descriptors), 0xa5, 8 * 16);
    std::memset(ring.box.at(ring.driver.addresses().device_area) + UsedRing::bytes(8).raw + 60, 0xa5, 128);
    for (const std::uint16_t id : ids) ring.device.push(id, 1, 0);
    Used got;
    ASSERT_EQ(ring.driver.take(got), Taken::Used);
    ASSERT_EQ(ring.driver.take(got), Taken::Used);
    ASSERT_EQ(ring.driver.in_flight(), 0u);
  }
}

TEST_F(LyingSplit, AvailableRingOverwritten) {
  add(1);
  AvailRing avail(ring.box.at(ring.driver.addresses().driver_area), 8);
  avail.idx().store(0x1234);
  add(2);
  EXPECT_EQ(avail.idx().load(), 2u);
}

}  // namespace
}  // namespace fallow::detail
