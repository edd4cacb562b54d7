// A table of the allocated blocks. It lies outside the allocated memory, so that a corrupted frame cannot
// corrupt it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "fallow/base/check.h"
#include "fallow/base/units.h"

namespace fallow::guest {

// An allocation and the tag of its stamps (1 to kMostTag). The packed word is never 0.
struct Live {
  static constexpr std::uint32_t kMostTag = (1U << 20) - 1;

  Pfn pfn;
  Order order;
  std::uint32_t tag = 0;

  constexpr std::uint64_t packed() const { return pfn.raw << 24 | std::uint64_t{order.raw} << 20 | tag; }
  static constexpr Live of(std::uint64_t packed) {
    return {{packed >> 24},
            {static_cast<std::uint8_t>(packed >> 20 & 15)},
            static_cast<std::uint32_t>(packed & kMostTag)};
  }
};

// Used by one CPU.
class LiveTable {
 public:
  LiveTable() = default;
  explicit LiveTable(std::span<std::uint64_t> room) noexcept : room_(room) {}

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ == room_.size(); }
  Live operator[](std::size_t i) const noexcept { return Live::of(room_[i]); }

  void push(Live live) noexcept {
    FALLOW_CHECK(!full());
    room_[size_++] = live.packed();
  }
  // Removes element i and moves the last element into its slot.
  Live take(std::size_t i) noexcept {
    const Live live = (*this)[i];
    room_[i] = room_[--size_];
    return live;
  }
  void swap(std::size_t i, std::size_t j) noexcept { std::swap(room_[i], room_[j]); }

 private:
  std::span<std::uint64_t> room_;
  std::size_t size_ = 0;
};

}  // namespace fallow::guest
