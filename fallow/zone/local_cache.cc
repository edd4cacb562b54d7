#include "fallow/zone/local_cache.h"

namespace fallow {

void LocalCache::drain() noexcept { give_back_all(); }

void LocalCache::retire() noexcept {
  drain();
  for (unsigned m = 0; m < kMobilities; ++m) disown(m);
}

CacheCounts LocalCache::counts() const noexcept {
  CacheCounts c;
  c.taken = taken_.load(std::memory_order_relaxed);
  c.returned = returned_.load(std::memory_order_relaxed);
  c.reported_taken = reported_taken_.load(std::memory_order_relaxed);
  c.refaults = refaults_.load(std::memory_order_relaxed);
  c.pending = detail::count_ones(load(pending_).bits());
  c.in_hands = count_in_hands();
  return c;
}

}  // namespace fallow
