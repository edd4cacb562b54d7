// A port whose clock moves only on request, together with its pending wakeup requests.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/check.h"
#include "fallow/base/units.h"
#include "fallow/platform/detail/deadline.h"
#include "fallow/platform/port.h"

namespace fallow::detail {

/// Implements the timing half of a port; a derived class supplies the rest.
class VirtualClock : public Port {
 public:
  /// The clock stands at `start`.
  explicit VirtualClock(Nanoseconds start = {}) noexcept : now_(start.raw) {}

  /// Returns the virtual time. Relaxed: the time orders nothing.
  Nanoseconds now() noexcept override { return {now_.load(std::memory_order_relaxed)}; }
  void wake_at(Nanoseconds deadline) noexcept override { wakeups_.lower(deadline); }

  /// Moves the clock to `time`, which must not be before now(). Does not run the worker. One thread at a
  /// time.
  void advance_to(Nanoseconds time) noexcept {
    FALLOW_REQUIRE(time >= now(),
                   "VirtualClock::advance_to(): the time is before now(); virtual time never runs backwards");
    now_.store(time.raw, std::memory_order_relaxed);
  }

  /// Returns the earliest pending deadline, or kNever.
  Nanoseconds next_deadline() const noexcept { return wakeups_.get(); }

  /// Returns true if a wakeup request is due; the caller must then run the worker.
  bool take_if_due() noexcept { return wakeups_.take_if_due(now()); }

  /// Moves the clock to `time` and runs `worker` at each deadline on the way, at exactly that time. Costs
  /// one comparison if no deadline lies on the way. Never returns if the worker keeps returning a deadline
  /// that is not after now().
  void run_until(Nanoseconds time, Worker worker) noexcept {
    // Each deadline is read once: another thread may lower it at any moment, even to a time before now().
    for (Nanoseconds next = next_deadline(); next <= time && next != kNever; next = next_deadline()) {
      if (next > now()) advance_to(next);
      wakeups_.take();
      wakeups_.lower(worker());
    }
    if (time > now()) advance_to(time);
  }

 protected:
  ~VirtualClock() = default;

 private:
  std::atomic<std::uint64_t> now_;
  EarliestDeadline wakeups_;
};

}  // namespace fallow::detail
