// A set of address ranges: ascending, disjoint, non-empty and non-adjacent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

// Ranges may be added and removed in any sequence. Cost: O(ranges).
template <std::size_t kMost>
class RangeSet {
 public:
  std::span<const MemoryRange> ranges() const { return {ranges_, count_}; }

  // Adds a range; an empty or inverted range is a no-op. Returns false, with no change, if the set is full.
  bool add(MemoryRange range) {
    if (range.begin >= range.end) return true;
    std::size_t first = 0;
    while (first < count_ && ranges_[first].end < range.begin) ++first;
    std::size_t last = first;  // one past the ranges that merge with this one
    for (; last < count_ && ranges_[last].begin <= range.end; ++last) {
      if (ranges_[last].begin < range.begin) range.begin = ranges_[last].begin;
      if (ranges_[last].end > range.end) range.end = ranges_[last].end;
    }
    if (first == last && !open(first)) return false;
    if (first == last) last = first + 1;
    ranges_[first] = range;
    close(first + 1, last);
    return true;
  }

  // Removes a range. Returns false if a split did not fit the set; the smaller part is then removed too.
  bool remove(MemoryRange hole) {
    if (hole.begin >= hole.end) return true;
    bool exact = true;
    for (std::size_t i = 0; i < count_;) {
      MemoryRange& range = ranges_[i];
      const bool below = range.begin<hole.begin, above = range.end> hole.end;
      if (range.end <= hole.begin || range.begin >= hole.end) {
        ++i;
      } else if (!below && !above) {
        close(i, i + 1);
      } else if (below && above) {
        const MemoryRange low{range.begin, hole.begin}, high{hole.end, range.end};
        if (open(i)) {
          ranges_[i] = low;
          ranges_[i + 1] = high;
        } else {
          range = low.end - low.begin >= high.end - high.begin ? low : high;
          exact = false;
        }
        return exact;  // no other range can overlap the hole
      } else {
        (below ? range.end : range.begin) = below ? hole.begin : hole.end;
        ++i;
      }
    }
    return exact;
  }

 private:
  bool open(std::size_t at) {
    if (count_ == kMost) return false;
    for (std::size_t i = count_++; i > at; --i) ranges_[i] = ranges_[i - 1];
    return true;
  }
  void close(std::size_t from, std::size_t to) {
    for (std::size_t i = to; i < count_; ++i) ranges_[from + i - to] = ranges_[i];
    count_ -= to - from;
  }

  MemoryRange ranges_[kMost] = {};
  std::size_t count_ = 0;
};

}  // namespace fallow::guest::x86
