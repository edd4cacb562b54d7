// The frames of a guest's zone as a balloon driver takes them and gives them back.
#pragma once

#include <cstdint>

#include "fallow/base/callback.h"
#include "fallow/base/check.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "fallow/zone/zone_stats.h"

namespace fallow::detail {

// Writes into frames what this guest's free frames must hold.
using FrameFill = Callback<void(Pfn first, PfnCount count)>;

// One thread at a time: the cache's owner.
class GuestFrames {
 public:
  GuestFrames(Zone& zone, LocalCache& cache, FrameFill fill) noexcept
      : zone_(zone), cache_(cache), fill_(fill) {}

  Zone& zone() noexcept { return zone_; }
  Pfn base() const noexcept { return zone_.base(); }

  // How many may be taken without coming near the low watermark: half of what is above it, so that neither an
  // isolation that takes the other half at the same time, nor this, leaves nothing for others.
  PfnCount spare() const noexcept {
    const PfnCount free = free_frames(zone_), low = zone_.low_watermark();
    return {free > low ? (free - low).raw / 2 : 0};
  }

  Allocation take(Order order) noexcept { return cache_.allocate(order); }

  // What came back from the device holds anything.
  void give(Pfn pfn, Order order = {}) noexcept {
    if (fill_) fill_(pfn, frames(order));
    give_untouched(pfn, order);
  }
  // For frames that the device never saw.
  void give_untouched(Pfn pfn, Order order = {}) noexcept {
    FALLOW_CHECK(cache_.free(pfn, order) == Status::Ok);
  }
  // What was given is everybody's.
  void drain() noexcept { cache_.drain(); }

 private:
  Zone& zone_;
  LocalCache& cache_;
  const FrameFill fill_;
};

}  // namespace fallow::detail
