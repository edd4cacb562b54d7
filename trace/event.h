// One page allocation or free of a recorded workload.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::trace {

// The size of a page of the recorded machine, as a power of two. Where it is not 4 KiB, the page frame
// numbers and orders in the trace's text count its pages, and a reader turns them into frames of 4 KiB.
struct PageShift {
  std::uint8_t raw = kFrameShift;
  friend constexpr auto operator<=>(PageShift, PageShift) = default;
};
inline constexpr PageShift kMaxPageShift{16};  // 64 KiB

// The most that Linux has: 10 with pages of 4 KiB, 13 with pages of 64 KiB.
constexpr Order max_recorded_order(PageShift page) { return page.raw == kFrameShift ? kMaxOrder : Order{13}; }
// In frames of 4 KiB: above the largest block that a zone has.
inline constexpr Order kMaxEventOrder{
    static_cast<std::uint8_t>(max_recorded_order(kMaxPageShift).raw + kMaxPageShift.raw - kFrameShift)};

struct TraceEvent {
  enum class Kind : std::uint8_t { Alloc, Free };

  Nanoseconds time{};  // as recorded; from one event to the next of a TraceReader it never goes back
  Pfn pfn{};           // first frame of the block, as the recorded machine numbered it
  Order order{};       // at most kMaxOrder if the recorded pages are of 4 KiB, else kMaxEventOrder
  Kind kind = Kind::Alloc;
  std::uint8_t migratetype =
      0;  // Linux's number: 0 unmovable, 1 movable, 2 reclaimable, others as read; 0 for a free
  std::uint16_t cpu = 0;  // 0 where the trace does not tell

  friend constexpr bool operator==(const TraceEvent&, const TraceEvent&) = default;
};
static_assert(sizeof(TraceEvent) == 24);  // batches of events are what a reader's memory mostly is

}  // namespace fallow::trace
