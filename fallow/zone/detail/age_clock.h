// The clock by which free frames age: the reporter advances it, frees stamp their blocks with it.
#pragma once

#include <atomic>

#include "fallow/base/units.h"
#include "fallow/zone/detail/block_entry.h"

namespace fallow::detail {

class AgeClock {
 public:
  // 1 to BlockEntry::kTicks.
  unsigned tick() const noexcept { return tick_.load(std::memory_order_relaxed); }

  // Advances by one tick, but no more often than once in `period`. Only the reporter calls this.
  void advance(Nanoseconds now, Nanoseconds period) noexcept {
    if (now < advanced_at_ + period) return;
    advanced_at_ = now;
    advance();
  }
  void advance() noexcept { tick_.store(tick() % BlockEntry::kTicks + 1, std::memory_order_relaxed); }

 private:
  std::atomic<unsigned> tick_{1};
  Nanoseconds advanced_at_;  // used by the reporter only
};

}  // namespace fallow::detail
