// The earliest of several wakeup requests for the worker: the state that every port keeps behind wake_at().
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::detail {

// All members are lock-free, take a few instructions, and may be called by any thread.
class EarliestDeadline {
 public:
  // Adds a wakeup request. Returns true if its deadline is earlier than all pending ones, so that a sleeping
  // worker must be woken.
  //
  // The exchange happens even if it changes nothing. A caller first publishes its work and then requests a
  // wakeup; the worker first takes the requests and then looks for work. Both are read-modify-writes of one
  // location. Either the worker's take() comes first and this call reads kNever, or take() reads from this
  // call (release, pairs with the acquire in take()) and the worker sees the work.
  bool lower(Nanoseconds deadline) noexcept {
    std::uint64_t seen = earliest_.load(std::memory_order_relaxed);  // only a guess for the exchange
    while (true) {
      const std::uint64_t lowest = deadline.raw < seen ? deadline.raw : seen;
      if (earliest_.compare_exchange_weak(seen, lowest, std::memory_order_release, std::memory_order_relaxed))
        return lowest < seen;
    }
  }

  // Returns the earliest pending deadline, or kNever. Relaxed: the value only decides how long to sleep.
  Nanoseconds get() const noexcept { return {earliest_.load(std::memory_order_relaxed)}; }

  // Removes all wakeup requests. The caller must run the worker afterwards, which then sees the work behind
  // every request that was taken: the acquire pairs with the release in lower().
  void take() noexcept { earliest_.exchange(kNever.raw, std::memory_order_acquire); }

  // Takes all wakeup requests if the earliest deadline has passed; returns true if the caller must run the
  // worker. If several CPUs call at once, only one of them gets true.
  bool take_if_due(Nanoseconds now) noexcept {
    if (get() == kNever || get() > now) return false;
    // acquire: pairs with the release in lower(), as in take().
    return earliest_.exchange(kNever.raw, std::memory_order_acquire) != kNever.raw;
  }

 private:
  std::atomic<std::uint64_t> earliest_{kNever.raw};
};

}  // namespace fallow::detail
