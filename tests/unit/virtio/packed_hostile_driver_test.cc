// A device that lies on the packed ring: the driver's end believes its private copy only.
#include <gtest/gtest.h>

#include <array>

#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "fallow/virtio/ring/detail/split_layout.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kSize = 8;
constexpr unsigned kUsedFirst = kPackedAvail | kPackedUsed;  // used in the first round; in the second: 0

class LyingPacked : public testing::Test {
 protected:
  using Ring = RingBox<PackedDriverQueue, PackedDeviceQueue>;
  LyingPacked()
      : ring({.size = kSize,
              .ring = {.packed = true, .event_index = true, .indirect = true},
              .indirect_tables = 2,
              .indirect_length = 4}) {}

  void add(std::uint64_t token, std::uint32_t length = 8) {
    ASSERT_EQ(ring.driver.add(std::array{writable(0x1000, length)}, token), Status::Ok);
  }
  PvirtqDesc& desc(std::uint64_t i) {
    return ring.box.as<PvirtqDesc>(ring.driver.addresses().descriptors + ByteCount{16 * i});
  }
  void return_by_hand(std::uint64_t at, unsigned id, std::uint32_t length = 0,
                      unsigned flags = kUsedFirst | kDescWrite) {
    desc(at).id.store(static_cast<std::uint16_t>(id));
    desc(at).len.store(length);
    desc(at).flags.store(static_cast<std::uint16_t>(flags));
  }
  // The queue is broken and stays broken.
  void expect_fault(DeviceFault fault, std::uint32_t in_flight) {
    Used got;
    EXPECT_EQ(ring.driver.take(got), Taken::Broken);
    EXPECT_EQ(ring.driver.fault(), fault) << describe(ring.driver.fault());
    EXPECT_EQ(ring.driver.take(got), Taken::Broken);
    EXPECT_EQ(ring.driver.add(std::array{writable(0, 1)}, 9), Status::Failed);
    EXPECT_FALSE(ring.driver.ask_for_notifications(true)) << "there is nothing to take again for";
    EXPECT_EQ(ring.driver.in_flight(), in_flight);
  }

  Ring ring;
};

TEST_F(LyingPacked, IdNeverGivenOut) {
  add(1);
  return_by_hand(0, 5);
  expect_fault(DeviceFault::IdNotInFlight, 1);
}

TEST_F(LyingPacked, IdOutOfRange) {
  for (const unsigned id : {8u, 9u, 0x8000u, 0xffffu}) {
    ASSERT_EQ(ring.driver.start({.size = kSize, .ring = {.packed = true}}, ring.box.shared(), ring.own()),
              Status::Ok);
    add(1);
    return_by_hand(0, id);
    expect_fault(DeviceFault::IdOutOfRange, 1);
  }
}

TEST_F(LyingPacked, IdTwice) {
  add(1);
  add(2);
  return_by_hand(0, 0);
  return_by_hand(1, 0);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.token, 1u);
  expect_fault(DeviceFault::IdNotInFlight, 1);
}

TEST_F(LyingPacked, UsedWithNothingInFlight) {
  return_by_hand(0, 0);
  expect_fault(DeviceFault::IdNotInFlight, 0);
}

// More used descriptors than chains.
TEST_F(LyingPacked, UsedMoreThanWasAdded) {
  add(1);
  for (unsigned i = 0; i < kSize; ++i) return_by_hand(i, 0);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  expect_fault(DeviceFault::IdNotInFlight, 0);
}

TEST_F(LyingPacked, WrapCounterFlipped) {
  add(1);
  Used got;
  for (const unsigned flags : {0u, unsigned{kPackedAvail}, unsigned{kPackedUsed}}) {
    return_by_hand(0, 0, 0, flags);
    EXPECT_EQ(ring.driver.take(got), Taken::Nothing);
  }
}

// A used descriptor in the middle of a chain is where nobody looks.
TEST_F(LyingPacked, UsedInTheMiddleOfAChain) {
  const std::vector<QueueBuffer> five(5, writable(0, 8));  // longer than a table
  ASSERT_EQ(ring.driver.add(five, 1), Status::Ok);
  return_by_hand(1, 0);
  Used got;
  EXPECT_EQ(ring.driver.take(got), Taken::Nothing);
  return_by_hand(0, 0);
  EXPECT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(ring.driver.take(got), Taken::Nothing);
}

// Cut to what could have been written, and counted.
TEST_F(LyingPacked, LengthTooLarge) {
  add(1, 100);
  return_by_hand(0, 0, 101);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 100u);
  EXPECT_EQ(ring.driver.wrong_lengths(), 1u);
  ASSERT_EQ(ring.driver.add(std::array{readable(0, 64)}, 2), Status::Ok);
  return_by_hand(1, 0, 64);
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 0u);
  EXPECT_EQ(ring.driver.wrong_lengths(), 2u);
}

// 2.8.4: without the write flag the length is reserved, and ignored.
TEST_F(LyingPacked, LengthWithoutTheWriteFlag) {
  add(1, 100);
  return_by_hand(0, 0, 0xffffffff, kUsedFirst);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 0u);
  EXPECT_EQ(ring.driver.wrong_lengths(), 0u);
}

// A chain of more than 4 GiB is none that a length can be too large for.
TEST_F(LyingPacked, LengthOfAVeryLargeChain) {
  ASSERT_EQ(ring.driver.add(std::array{writable(0, 0xfffff000), writable(0, 0xfffff000)}, 1), Status::Ok);
  return_by_hand(0, 0, 0xffffffff);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 0xffffffffu);
  EXPECT_EQ(ring.driver.wrong_lengths(), 0u);
}

// 2.8.6: next, and indirect, are reserved in used descriptors, and ignored.
TEST_F(LyingPacked, ReservedFlagsInAUsedDescriptor) {
  add(1);
  return_by_hand(0, 0, 8, kUsedFirst | kDescWrite | kDescNext | kDescIndirect | 0x7f78);
  Used got;
  ASSERT_EQ(ring.driver.take(got), Taken::Used);
  EXPECT_EQ(got.length, 8u);
}

// The driver never reads back what it wrote: ring and tables may be changed under it.
TEST_F(LyingPacked, DescriptorsOverwritten) {
  const std::array three{readable(0x1000, 1), writable(0x2000, 2), writable(0x3000, 4)};
  const std::vector<QueueBuffer> five(5, writable(0x4000, 8));
  const std::size_t shared =
      PackedDriverQueue::shared_size(
          {.size = kSize, .ring = {.indirect = true}, .indirect_tables = 2, .indirect_length = 4})
          .raw;
  for (std::uint64_t round = 0; round < 20; ++round) {
    ASSERT_EQ(ring.driver.add(three, 1), Status::Ok);
    ASSERT_EQ(ring.driver.add(five, 2), Status::Ok);
    Chain chain;
    std::vector<Chain> chains;
    while (ring.device.pop(chain) == Popped::Chain) chains.push_back(chain);
    ASSERT_EQ(chains.size(), 2u);
    // Flags that no end takes for its own, in either round.
    for (unsigned i = 0; i < kSize; ++i) {
      desc(i).addr.store(~std::uint64_t{0});
      desc(i).len.store(~std::uint32_t{0});
      desc(i).id.store(0xffff);
    }
    std::memset(ring.box.at(ring.driver.addresses().device_area) + 64, 0xa5, shared - 16 * kSize - 128);
    for (const Chain& back : chains) ring.device.push(back, 0);
    Used got;
    ASSERT_EQ(ring.driver.take(got), Taken::Used);
    EXPECT_EQ(got.token, 1u);
    ASSERT_EQ(ring.driver.take(got), Taken::Used);
    EXPECT_EQ(got.token, 2u);
    ASSERT_EQ(ring.driver.in_flight(), 0u);
  }
}

// 2.8.14: garbage in the device's structure makes for a kick too many, not for anything else.
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
