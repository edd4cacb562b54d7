// The port for kernels and other programs without an operating system beneath them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/platform/arena.h"
#include "fallow/platform/detail/deadline.h"
#include "fallow/platform/port.h"

namespace fallow {

// What the kernel supplies; all three must be set, and callable from anywhere the zone is used.
struct BareHooks {
  Nanoseconds (*clock)() = nullptr;   // monotonic
  void (*relax)() = nullptr;          // pauses the CPU
  std::uintptr_t (*cpu)() = nullptr;  // the number of the CPU this runs on, from 0; below UINTPTR_MAX
};

// There is no worker thread: the idle loop asks, and runs the worker itself.
//
//   if (port.take_if_due()) port.wake_at(reporter.run());
class BarePort final : public Port {
 public:
  // `arena` is where allocate() takes memory from: enough for one scatterlist per registered device. It
  // must outlive the port.
  BarePort(BareHooks hooks, std::span<std::byte> arena) noexcept;

  Nanoseconds now() noexcept override { return hooks_.clock(); }
  void wake_at(Nanoseconds deadline) noexcept override { wishes_.lower(deadline); }
  void relax() noexcept override { hooks_.relax(); }
  std::uintptr_t current() noexcept override { return hooks_.cpu() + 1; }
  void* allocate(ByteCount size) noexcept override;
  void release(void* memory, ByteCount size) noexcept override;

  // True when a wish has come due; it is then taken, and the caller runs the worker. Any CPU; when
  // several ask, one is told. Costs a load, and the clock while a wish is pending.
  bool take_if_due() noexcept { return next_deadline() != kNever && wishes_.take_if_due(now()); }

  // Whether a wish has come due by `now`; takes nothing.
  bool due(Nanoseconds now) const noexcept { return next_deadline() != kNever && next_deadline() <= now; }

  // The earliest wish that nobody has taken: how long the CPU may sleep. kNever if there is none.
  Nanoseconds next_deadline() const noexcept { return wishes_.get(); }

 private:
  class ArenaLock;

  BareHooks hooks_;
  detail::EarliestDeadline wishes_;
  std::atomic_flag arena_busy_;
  Arena arena_;
};

}  // namespace fallow
