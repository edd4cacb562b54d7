// One page allocation or free of a recorded workload.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow {

struct TraceEvent {
  enum class Kind : std::uint8_t { Alloc, Free };

  Nanoseconds time{};  // as recorded; from one event to the next of a TraceReader it never goes back
  Pfn pfn{};           // first frame of the block, as the recorded machine numbered it
  Order order{};       // at most kMaxOrder
  Kind kind = Kind::Alloc;
  std::uint8_t migratetype =
      0;  // Linux's number: 0 unmovable, 1 movable, 2 reclaimable, others as read; 0 for a free
  std::uint16_t cpu = 0;  // 0 where the trace does not tell

  friend constexpr bool operator==(const TraceEvent&, const TraceEvent&) = default;
};
static_assert(sizeof(TraceEvent) == 24);  // batches of events are what a reader's memory mostly is

}  // namespace fallow
