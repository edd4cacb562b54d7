// Ranges of guest memory, added in any order and read back sorted and joined.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/balloon/device/memory_map.h"
#include "fallow/base/units.h"

namespace fallow::detail {

// The bytes from `start` up to, but not including, `end`; `end` is larger than `start`.
struct GuestRange {
  GuestPhys start, end;
};

class GuestRanges {
 public:
  GuestRanges() = default;
  explicit GuestRanges(std::span<GuestRange> storage) noexcept : storage_(storage) {}

  void clear() noexcept { count_ = 0; }

  // Adds a range; the storage bounds the number of ranges between two calls of clear(). O(1).
  void add(GuestRange range) noexcept;

  // Returns the added ranges as runs with gaps between them, in ascending order; valid until the next add()
  // or clear(). O(n log n) for any order, which the guest may choose; O(n) for an ascending or descending
  // order.
  std::span<const GuestRange> join() noexcept;

 private:
  void sort() noexcept;
  void sink(std::size_t place, std::size_t count) noexcept;

  std::span<GuestRange> storage_;
  std::size_t count_ = 0;
};

// Calls f(region index, part) in ascending order for each region that overlaps a range. The whole range is in
// memory.
template <class F>
void for_each_region(const GuestMemory& memory, GuestRange range, F f) noexcept {
  const GuestRegion* region = memory.find(range.start);
  for (GuestPhys at = range.start; at < range.end; ++region) {
    const GuestPhys region_end = region->base + region->size;
    const GuestPhys end = range.end < region_end ? range.end : region_end;
    f(static_cast<std::size_t>(region - memory.regions().data()), GuestRange{at, end});
    at = end;
  }
}

}  // namespace fallow::detail
