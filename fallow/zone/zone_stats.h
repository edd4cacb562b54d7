// What a zone can tell about itself at any time, without a lock (R14).
#pragma once

#include "fallow/base/units.h"
#include "fallow/zone/zone.h"

namespace fallow {

// Snapshots of counters that others go on changing: each is exact when nobody does.
struct ZoneStats {
  PfnCount size;
  PfnCount free;      // free, reported or not, also in local caches
  PfnCount used;      // allocated, or reserved
  PfnCount isolated;  // shown to a device right now
  PfnCount reported;  // nr_reported: free and marked
  PfnCount cached;    // of the free ones: in hands and pending of local caches
  PfnCount refaults;  // reported frames that were allocated again, ever; up to 96 a local cache come late
};

// O(local caches).
ZoneStats zone_stats(const Zone& zone) noexcept;

// Frames that an isolation may take from: free and not in a local cache. O(local caches).
PfnCount free_frames(const Zone& zone) noexcept;

// A free area as a buddy allocator would list it: all free blocks of one order, and those of them that
// are reported as a whole. O(blocks).
struct FreeArea {
  std::uint64_t nr_free = 0;
  std::uint64_t nr_reported = 0;
};
FreeArea free_area(const Zone& zone, Order order) noexcept;

}  // namespace fallow
