// The frames of a guest's zone, as a balloon driver takes and returns frames.
#pragma once

#include <cstdint>

#include "fallow/base/callback.h"
#include "fallow/base/check.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "fallow/zone/zone_stats.h"

namespace fallow::detail {

// Writes into frames the value that free frames of this guest must hold.
using FrameFill = Callback<void(Pfn first, PfnCount count)>;

// Used by one thread at a time, the owner of the cache.
class GuestFrames {
 public:
  GuestFrames(Zone& zone, LocalCache& cache, FrameFill fill) noexcept
      : zone_(zone), cache_(cache), fill_(fill) {}

  Zone& zone() noexcept { return zone_; }
  Pfn base() const noexcept { return zone_.base(); }

  // Returns how many frames may be taken without approaching the low watermark: half of the frames above the
  // watermark. A concurrent isolation may take the other half, and both together still leave frames to other
  // users.
  PfnCount spare() const noexcept {
    const PfnCount free = free_frames(zone_), low = zone_.low_watermark();
    return {free > low ? (free - low).raw / 2 : 0};
  }

  // Whether the cache is one of the zone's.
  bool owns_cache() const noexcept {
    return &cache_ >= &zone_.cache(0) && &cache_ <= &zone_.cache(zone_.cache_count() - 1);
  }

  Allocation take(Order order) noexcept { return cache_.allocate(order); }

  // Frees a frame that the device held; its content is undefined.
  void give(Pfn pfn, Order order = {}) noexcept {
    if (fill_) fill_(pfn, frames(order));
    give_untouched(pfn, order);
  }
  // Frees a frame that the device never received.
  void give_untouched(Pfn pfn, Order order = {}) noexcept {
    FALLOW_CHECK(cache_.free(pfn, order) == Status::Ok);
  }
  // Makes the freed frames available to all users.
  void drain() noexcept { cache_.drain(); }

 private:
  Zone& zone_;
  LocalCache& cache_;
  const FrameFill fill_;
};

}  // namespace fallow::detail
