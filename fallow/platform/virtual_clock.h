// A clock that moves only when it is told to, and the wishes that were made by it.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/check.h"
#include "fallow/base/units.h"
#include "fallow/platform/detail/deadline.h"
#include "fallow/platform/port.h"
#include "fallow/platform/worker.h"

namespace fallow {

// The part of a port that has to do with time. What derives from it supplies the rest.
class VirtualClock : public Port {
 public:
  explicit VirtualClock(Nanoseconds start = {}) noexcept : now_(start.raw) {}

  // Relaxed: the time orders nothing.
  Nanoseconds now() noexcept override { return {now_.load(std::memory_order_relaxed)}; }
  void wake_at(Nanoseconds deadline) noexcept override { wishes_.lower(deadline); }

  // Moves the clock to `time`, which must not be before now(). Runs nothing. One thread.
  void advance_to(Nanoseconds time) noexcept {
    FALLOW_CHECK(time >= now());
    now_.store(time.raw, std::memory_order_relaxed);
  }

  // The earliest wish that nobody has taken, or kNever.
  Nanoseconds next_deadline() const noexcept { return wishes_.get(); }

  // True when a wish has come due; the caller then runs the worker.
  bool take_if_due() noexcept { return wishes_.take_if_due(now()); }

  // Moves the clock to `time` and runs `worker` at each deadline on the way, at exactly that time.
  // Without a wish on the way it costs a comparison. A worker that never returns a later deadline than
  // now() never gets past it.
  void run_until(Nanoseconds time, Worker worker) noexcept {
    // Each deadline is read once: another thread may lower it at any moment, and to before now().
    for (Nanoseconds next = next_deadline(); next <= time && next != kNever; next = next_deadline()) {
      if (next > now()) advance_to(next);
      wishes_.take();
      wishes_.lower(worker());
    }
    if (time > now()) advance_to(time);
  }

 protected:
  ~VirtualClock() = default;

 private:
  std::atomic<std::uint64_t> now_;
  detail::EarliestDeadline wishes_;
};

}  // namespace fallow
