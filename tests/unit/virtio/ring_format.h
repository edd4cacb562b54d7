// The two formats of a ring as type parameters, for the tests that state the same of both.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {

struct SplitFormat {
  using Driver = SplitDriverQueue;
  using Device = SplitDeviceQueue;
  using Descriptor = VirtqDesc;
  static constexpr const char* kName = "Split";
  static constexpr bool kPacked = false;

  // Returns the value of Chain::slots for a chain of `elements` direct descriptors. A split ring does not
  // count descriptors.
  static constexpr std::uint16_t slots(std::size_t) { return 1; }

  static constexpr std::uint16_t kSizes[] = {1,   2,   4,    8,    16,   32,   64,    128,
                                             256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
  static constexpr std::uint16_t kSmallSizes[] = {1, 2, 4, 8};
  static constexpr std::uint16_t kBadSizes[] = {0, 3, 100, 32769, 40000, 0xffff};
};

struct PackedFormat {
  using Driver = PackedDriverQueue;
  using Device = PackedDeviceQueue;
  using Descriptor = PvirtqDesc;
  static constexpr const char* kName = "Packed";
  static constexpr bool kPacked = true;

  static constexpr std::uint16_t slots(std::size_t elements) { return static_cast<std::uint16_t>(elements); }

  static constexpr std::uint16_t kSizes[] = {1, 2, 3, 4, 5, 7, 8, 64, 255, 256, 1000, 32767, 32768};
  static constexpr std::uint16_t kSmallSizes[] = {1, 2, 3, 4, 7, 8};
  static constexpr std::uint16_t kBadSizes[] = {0, 32769, 0xffff};
};

using RingFormats = testing::Types<SplitFormat, PackedFormat>;

struct RingFormatName {
  template <class Format>
  static std::string GetName(int) {
    return Format::kName;
  }
};

template <class Format>
using RingOf = RingBox<typename Format::Driver, typename Format::Device>;

template <class Format>
DriverQueueConfig ring_config(std::uint16_t size, bool event_index = false) {
  return {.size = size, .ring = {.packed = Format::kPacked, .event_index = event_index, .indirect = false}};
}

// With `tables` indirect tables of `length` descriptors each.
template <class Format>
DriverQueueConfig indirect_config(std::uint16_t size, std::uint16_t tables, std::uint16_t length,
                                  bool event_index = false) {
  return {.size = size,
          .ring = {.packed = Format::kPacked, .event_index = event_index, .indirect = true},
          .indirect_tables = tables,
          .indirect_length = length};
}

}  // namespace fallow::detail
