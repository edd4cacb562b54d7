// The port for kernels and other programs without an operating system.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/platform/detail/arena.h"
#include "fallow/platform/detail/deadline.h"
#include "fallow/platform/port.h"

namespace fallow {

/// The functions that the kernel supplies. All three must be set, and must be callable from every place that
/// uses the zone.
struct BareHooks {
  Nanoseconds (*clock)() = nullptr;   ///< Monotonic time.
  void (*relax)() = nullptr;          ///< Pauses the CPU.
  std::uintptr_t (*cpu)() = nullptr;  ///< The number of the current CPU, from 0; below UINTPTR_MAX.
};

/// A port without a worker thread: the idle loop polls for due wakeup requests and runs the worker itself.
///
/// ```
/// if (port.take_if_due()) port.wake_at(reporter.run());
/// ```
class BarePort final : public Port {
 public:
  /// `arena` supplies the memory for allocate(): enough for one scatterlist per registered device. The arena
  /// must outlive the port.
  BarePort(BareHooks hooks, std::span<std::byte> arena) noexcept;

  Nanoseconds now() noexcept override { return hooks_.clock(); }
  void wake_at(Nanoseconds deadline) noexcept override { wakeups_.lower(deadline); }
  void relax() noexcept override { hooks_.relax(); }
  std::uintptr_t current() noexcept override { return hooks_.cpu() + 1; }
  void* allocate(ByteCount size) noexcept override;
  void release(void* memory, ByteCount size) noexcept override;

  /// Returns true if a wakeup request is due. The request is then taken, and the caller must run the worker.
  /// Any CPU; if several call at once, only one gets true. Costs one load, and a clock read while a request
  /// is pending.
  bool take_if_due() noexcept { return next_deadline() != kNever && wakeups_.take_if_due(now()); }

  /// Returns whether a wakeup request is due by `now`; takes nothing.
  bool due(Nanoseconds now) const noexcept { return next_deadline() != kNever && next_deadline() <= now; }

  /// Returns the earliest pending deadline, which limits how long the CPU may sleep; kNever if none is
  /// pending.
  Nanoseconds next_deadline() const noexcept { return wakeups_.get(); }

 private:
  class ArenaLock;

  BareHooks hooks_;
  detail::EarliestDeadline wakeups_;
  std::atomic_flag arena_busy_;
  detail::Arena arena_;
};

}  // namespace fallow
