// A full walk that proves the zone's invariants (docs/invariants.md).
#pragma once

#include "fallow/base/units.h"
#include "fallow/zone/zone.h"

namespace fallow {

// The first violation found; `invariant` is null when there is none.
struct Violation {
  const char* invariant = nullptr;  // its number and sentence
  Pfn where;
  constexpr bool none() const { return invariant == nullptr; }
};

// O(frames). Nobody may allocate, free or report meanwhile; local caches may hold frames.
Violation zone_check(const Zone& zone) noexcept;

}  // namespace fallow
