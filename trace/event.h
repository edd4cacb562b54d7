// A page allocation or a page free of a recorded workload.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::trace {

// The page size of the recorded machine, as a power of two. The trace counts page frame numbers and orders in
// pages of this size. The reader converts both to frames of 4 KiB.
struct PageShift {
  std::uint8_t raw = kFrameShift;
  friend constexpr auto operator<=>(PageShift, PageShift) = default;
};
inline constexpr PageShift kMaxPageShift{16};  // 64 KiB

// The largest order of Linux: 10 with pages of 4 KiB, 13 with pages of 64 KiB.
constexpr Order max_recorded_order(PageShift page) { return page.raw == kFrameShift ? kMaxOrder : Order{13}; }
// Counts frames of 4 KiB, and is larger than the largest block of a zone.
inline constexpr Order kMaxEventOrder{
    static_cast<std::uint8_t>(max_recorded_order(kMaxPageShift).raw + kMaxPageShift.raw - kFrameShift)};

struct TraceEvent {
  enum class Kind : std::uint8_t { Alloc, Free };

  Nanoseconds time{};  // as recorded; a TraceReader never returns a time before that of the previous event
  Pfn pfn{};           // first frame of the block, as the recorded machine numbered it
  Order order{};       // at most kMaxOrder if the recorded pages are of 4 KiB, else kMaxEventOrder
  Kind kind = Kind::Alloc;
  // As Linux numbers it: 0 unmovable, 1 movable, 2 reclaimable, others unchanged; 0 for a free.
  std::uint8_t migratetype = 0;
  std::uint16_t cpu = 0;  // 0 if the trace does not name the CPU

  friend constexpr bool operator==(const TraceEvent&, const TraceEvent&) = default;
};
static_assert(sizeof(TraceEvent) == 24);  // event batches make up most of the memory of a reader

}  // namespace fallow::trace
