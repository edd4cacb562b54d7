// The earliest of several wishes for the worker to run: what every port keeps behind wake_at().
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::detail {

// All members: any thread, lock-free, a few instructions.
class EarliestDeadline {
 public:
  // Adds a wish. True when it is earlier than all that are pending, so that a sleeper must be told.
  //
  // The exchange also happens when it changes nothing: a caller first makes its work visible and then
  // wishes, the worker first takes the wishes and then looks for work. As both are read-modify-writes of
  // one location, either the worker's take() comes first and this call sees kNever, or it comes second,
  // reads from this one (release, pairs with the acquire in take()), and the worker sees the work.
  bool lower(Nanoseconds deadline) noexcept {
    std::uint64_t seen = earliest_.load(std::memory_order_relaxed);  // only a guess for the exchange
    while (true) {
      const std::uint64_t lowest = deadline.raw < seen ? deadline.raw : seen;
      if (earliest_.compare_exchange_weak(seen, lowest, std::memory_order_release, std::memory_order_relaxed))
        return lowest < seen;
    }
  }

  // The earliest wish pending, kNever if there is none. Relaxed: it only decides how long to sleep.
  Nanoseconds get() const noexcept { return {earliest_.load(std::memory_order_relaxed)}; }

  // Forgets all wishes. To be followed by a run of the worker, which sees the work of every wish that was
  // taken: the acquire pairs with the release in lower().
  void take() noexcept { earliest_.exchange(kNever.raw, std::memory_order_acquire); }

  // Takes the wishes if the earliest of them has come; true asks for a run of the worker. When several
  // CPUs ask, one of them is told.
  bool take_if_due(Nanoseconds now) noexcept {
    if (get() == kNever || get() > now) return false;
    // acquire: pairs with the release in lower(), as in take().
    return earliest_.exchange(kNever.raw, std::memory_order_acquire) != kNever.raw;
  }

 private:
  std::atomic<std::uint64_t> earliest_{kNever.raw};
};

}  // namespace fallow::detail
