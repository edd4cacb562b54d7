// The selection of a reporting policy, and the blocks from which it selects.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::detail {

// The frames that a reporting policy wants isolated.
struct Selection {
  static constexpr unsigned kAnyArea = ~0U;
  static constexpr unsigned kAnyMobility = ~0U;

  Order order{9};             // runs are made of aligned blocks of at least this order (R5)
  unsigned areas = kAnyArea;  // one bit for each order: only the free areas of these orders
  unsigned mobility = kAnyMobility;
  unsigned min_age = 0;  // ticks since the last free of any of its frames, 0 to 6
  bool join = true;      // join neighbouring runs; if false, with one area, each block is one entry
};

// The unreported free blocks of each order, as a buddy allocator would list them.
struct UnreportedCounts {
  std::uint64_t of[kMaxOrder.raw + 1] = {};
};

}  // namespace fallow::detail
