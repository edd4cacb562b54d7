/// Statistics of a zone, available at any time without a lock (R14).
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"

namespace fallow {

class Zone;

/// How often a zone was misused, and the last case. A refused call leaves the zone unchanged.
struct Misuse {
  /// Frames at or above this number are reported as this number; no real address has that many bits.
  static constexpr Pfn kLastNamed{(std::uint64_t{1} << 56) - 1};
  std::uint64_t count = 0;   ///< refused calls since the zone was created
  Pfn last_pfn;              ///< the frame of the last refused call
  Status last = Status::Ok;  ///< why the last call was refused
};

/// Snapshots of counters that other threads keep changing. Each is exact while no thread changes the zone.
struct ZoneStats {
  PfnCount size;      ///< all frames of the zone
  PfnCount free;      ///< free, reported or not, also in local caches
  PfnCount used;      ///< allocated or reserved
  PfnCount isolated;  ///< being reported to a device
  PfnCount reported;  ///< nr_reported: free and reported
  PfnCount cached;    ///< the free frames in hands and pending frames of local caches
  PfnCount
      refaults;  ///< reported frames that were allocated again, ever; up to 96 a local cache are counted late
};

/// Reads the statistics. O(local caches).
ZoneStats zone_stats(const Zone& zone) noexcept;

/// Returns the frames that are free and not in a local cache, from which isolation may take. O(local caches).
PfnCount free_frames(const Zone& zone) noexcept;

/// A free area as a buddy allocator would list it: the free blocks of one order.
struct FreeArea {
  std::uint64_t nr_free = 0;      ///< all of them
  std::uint64_t nr_reported = 0;  ///< those that are reported as a whole
};
/// Counts a free area (order 0 to 10). O(blocks).
FreeArea free_area(const Zone& zone, Order order) noexcept;

}  // namespace fallow
