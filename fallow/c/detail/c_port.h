// A port over the functions of a C program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/c/port.h"
#include "fallow/platform/detail/arena.h"
#include "fallow/platform/detail/deadline.h"
#include "fallow/platform/port.h"

namespace fallow::detail {

// Returns whether a caller's structure can serve as a port.
constexpr bool usable(const fallow_port* port) noexcept {
  return port != nullptr && port->now != nullptr && (port->allocate == nullptr) == (port->release == nullptr);
}

// Keeps a copy of the structure, and the wakeup requests. Functions that are null have the defaults that
// fallow/c/port.h states.
class CPort final : public Port {
 public:
  // `arena` supplies allocate() if the program does not. Only one thread at a time allocates or releases.
  explicit CPort(const fallow_port& functions, std::span<std::byte> arena = {}) noexcept
      : functions_(functions), arena_(arena) {}

  Nanoseconds now() noexcept override { return {functions_.now(functions_.context)}; }
  void wake_at(Nanoseconds deadline) noexcept override {
    wakeups_.lower(deadline);
    if (functions_.wake_at != nullptr) functions_.wake_at(functions_.context, deadline.raw);
  }
  void relax() noexcept override {
    if (functions_.relax != nullptr) functions_.relax(functions_.context);
  }
  std::uintptr_t current() noexcept override {
    return functions_.current != nullptr ? functions_.current(functions_.context) : 1;
  }
  void* allocate(ByteCount size) noexcept override {
    return functions_.allocate != nullptr ? functions_.allocate(functions_.context, size.raw)
                                          : arena_.allocate(size);
  }
  void release(void* memory, ByteCount size) noexcept override {
    if (functions_.release != nullptr) {
      functions_.release(functions_.context, memory, size.raw);
    } else {
      arena_.release(memory, size);
    }
  }

  const fallow_port& functions() const noexcept { return functions_; }

  // Runs the worker, and returns when it is to run next. Requests that arrive while the worker runs are kept.
  template <class Work>
  Nanoseconds run(Work work) noexcept {
    wakeups_.take();
    wakeups_.lower(work());
    return wakeups_.get();
  }
  Nanoseconds next_deadline() const noexcept { return wakeups_.get(); }

 private:
  const fallow_port functions_;
  EarliestDeadline wakeups_;
  Arena arena_;
};

}  // namespace fallow::detail
