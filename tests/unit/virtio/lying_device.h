// A device that breaks the rules of a ring, in both formats: the ring's driver end, and used entries that the
// test writes into guest memory.
#pragma once

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/virtio/ring_format.h"

namespace fallow::detail {

template <class Format>
class LyingDevice : public testing::Test {
 protected:
  static constexpr std::uint16_t kSize = 8;

  LyingDevice() : ring(config()) {}
  static DriverQueueConfig config() { return indirect_config<Format>(kSize, 2, 4, true); }

  // Starts the driver's end again, with nothing in flight.
  void restart() {
    ASSERT_EQ(ring.driver.start(config(), ring.box.shared(), ring.own()), Status::Ok);
    next = 0;
  }
  void add(std::uint64_t token, std::uint32_t length = 8) {
    ASSERT_EQ(ring.driver.add(std::array{writable(0x1000, length)}, token), Status::Ok);
  }
  typename Format::Descriptor& desc(std::uint64_t i) {
    return ring.box.template as<typename Format::Descriptor>(ring.driver.addresses().descriptors +
                                                             ByteCount{16 * i});
  }
  UsedRing used_ring() { return {ring.box.at(ring.driver.addresses().device_area), kSize}; }

  // Writes the next used entry; each returned chain occupies one descriptor.
  void return_by_hand(std::uint32_t id, std::uint32_t length = 0) {
    if constexpr (Format::kPacked) {
      return_at(next++, id, length);
    } else {
      used_ring().ring(next % kSize).id.store(id);
      used_ring().ring(next % kSize).len.store(length);
      used_ring().idx().store(++next);
    }
  }
  // Packed: writes a used descriptor of the first round at offset `at`.
  void return_at(std::uint64_t at, std::uint32_t id, std::uint32_t length = 0,
                 unsigned flags = kPackedAvail | kPackedUsed | kDescWrite) {
    desc(at).id.store(static_cast<std::uint16_t>(id));
    desc(at).len.store(length);
    desc(at).flags.store(static_cast<std::uint16_t>(flags));
  }
  // Overwrites what the driver wrote: descriptors, links and indirect tables. A packed ring keeps the flags
  // of its descriptors, which both ends read.
  void overwrite() {
    const QueueAddresses at = ring.driver.addresses();
    if constexpr (Format::kPacked) {
      for (unsigned i = 0; i < kSize; ++i) {
        desc(i).addr.store(~std::uint64_t{0});
        desc(i).len.store(~std::uint32_t{0});
        desc(i).id.store(0xffff);
      }
      const std::size_t shared = Format::Driver::shared_size(config()).raw;
      std::memset(ring.box.at(at.device_area) + 64, 0xa5, shared - 16 * kSize - 128);
    } else {
      std::memset(ring.box.at(at.descriptors), 0xa5, 16 * kSize);
      std::memset(ring.box.at(at.device_area) + UsedRing::bytes(kSize).raw + 60, 0xa5, 128);
    }
  }

  // Expects that the queue is broken and stays broken.
  void expect_fault(DeviceFault fault, std::uint32_t in_flight) {
    Used got;
    EXPECT_EQ(ring.driver.take(got), Taken::Broken);
    EXPECT_EQ(ring.driver.fault(), fault) << describe(ring.driver.fault());
    EXPECT_EQ(ring.driver.take(got), Taken::Broken);
    EXPECT_EQ(ring.driver.add(std::array{writable(0, 1)}, 9), Status::Failed);
    EXPECT_FALSE(ring.driver.ask_for_notifications(true)) << "a broken queue has no chain to take";
    EXPECT_EQ(ring.driver.in_flight(), in_flight);
  }

  RingOf<Format> ring;
  std::uint16_t next = 0;
};

}  // namespace fallow::detail
