// The port of a scenario: virtual time, memory from the arena, and waits that let other threads run.
#pragma once

#include "fallow/platform/detail/virtual_clock.h"
#include "tests/explore/engine/engine.h"

namespace fallow::explore {

class ModelPort final : public detail::VirtualClock {
 public:
  void relax() noexcept override { engine().wait(); }
  std::uintptr_t current() noexcept override { return engine().self() + 1; }
  void* allocate(ByteCount size) noexcept override { return arena().allocate(size.raw); }
  // The memory is never reused within a schedule, so that a late access is detected.
  void release(void* memory, ByteCount size) noexcept override { engine().bury(memory, size.raw); }

  // The worker's thread, as in any port: takes the wakeup requests, runs the worker, and stores the deadline
  // that the worker returns. Returns false if nothing was due by `until`.
  template <class Reporter>
  bool run_worker(Reporter& reporter, Nanoseconds until) {
    const Nanoseconds due = next_deadline();
    if (due == kNever || due > until) return false;
    if (due > now()) advance_to(due);
    static_cast<void>(take_if_due());
    const Nanoseconds next = reporter.run();
    if (next != kNever) wake_at(next);
    return true;
  }
};

}  // namespace fallow::explore
