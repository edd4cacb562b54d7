// Ranges of guest memory, collected in any order and taken out sorted and joined.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/balloon/device/memory_map.h"
#include "fallow/base/units.h"

namespace fallow::detail {

// Bytes from `start` up to, not including, `end`, which is larger.
struct GuestRange {
  GuestPhys start, end;
};

class GuestRanges {
 public:
  GuestRanges() = default;
  explicit GuestRanges(std::span<GuestRange> storage) noexcept : storage_(storage) {}

  void clear() noexcept { count_ = 0; }

  // At most as many between two clear() as there is storage for. O(1).
  void add(GuestRange range) noexcept;

  // What was added as runs with gaps between them, in ascending order; valid until the next add() or clear().
  // O(n log n) whatever the order, which a guest may have chosen; O(n) for an ascending or descending one.
  std::span<const GuestRange> join() noexcept;

 private:
  void sort() noexcept;
  void sink(std::size_t place, std::size_t count) noexcept;

  std::span<GuestRange> storage_;
  std::size_t count_ = 0;
};

// Calls f(region's place, part) for each region that a range, which is all in memory, has a part in, in
// ascending order.
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
