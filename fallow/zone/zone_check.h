/// A full walk that checks the zone's invariants (docs/invariants.md).
#pragma once

#include "fallow/base/units.h"
#include "fallow/zone/zone.h"

namespace fallow {

/// The first violation found; `invariant` is null if there is none.
struct Violation {
  const char* invariant = nullptr;  ///< its number and sentence
  Pfn where;                        ///< the first frame of the block, or of the zone
  /// Whether the walk found no violation.
  constexpr bool none() const { return invariant == nullptr; }
};

/// Walks the whole zone. No thread may allocate, free or report meanwhile; local caches may hold frames.
/// O(frames).
Violation zone_check(const Zone& zone) noexcept;

}  // namespace fallow
