/// Misuse that a zone refused.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"

namespace fallow {

/// How often a zone was misused, and the last case. A refused call leaves the zone unchanged.
struct Misuse {
  /// Frames at or above this number are reported as this number; no real address has that many bits.
  static constexpr Pfn kLastNamed{(std::uint64_t{1} << 56) - 1};
  std::uint64_t count = 0;   ///< refused calls since the zone was created
  Pfn last_pfn;              ///< the frame of the last refused call
  Status last = Status::Ok;  ///< why the last call was refused
};

}  // namespace fallow
