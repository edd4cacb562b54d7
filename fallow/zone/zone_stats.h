/// Statistics of a zone, available at any time without a lock (R14).
#pragma once

#include "fallow/base/units.h"
#include "fallow/zone/zone.h"

namespace fallow {

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
