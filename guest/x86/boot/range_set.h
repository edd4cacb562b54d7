// Address ranges in order: ascending, disjoint, none empty, none touching the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

// Whatever is added and removed, in any order, the ranges stay in order. Costs a walk.
template <std::size_t kMost>
class RangeSet {
 public:
  std::span<const MemoryRange> ranges() const { return {ranges_, count_}; }

  // What is empty or the wrong way round is nothing. False: there is no room for one more, and nothing
  // changed.
  bool add(MemoryRange range) {
    if (range.begin >= range.end) return true;
    std::size_t first = 0;
    while (first < count_ && ranges_[first].end < range.begin) ++first;
    std::size_t last = first;  // behind those that melt into one with it
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

  // False: a range would have become two and there is no room, so that its smaller part went as well.
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
        return exact;  // nothing else can meet the hole
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
