// What a port supplies to the core. One object serves one reporter and its zones.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow {

class Port {
 public:
  // Monotonic time since any fixed point. Any thread.
  virtual Nanoseconds now() noexcept = 0;

  // Asks that the worker (Reporter::run) runs once `deadline` has passed; the earliest of several
  // wishes counts. Any thread, also from inside a free; must not block, must not call the core.
  virtual void wake_at(Nanoseconds deadline) noexcept = 0;

  // Called over and over while this thread waits for another one. Yields or pauses the CPU.
  virtual void relax() noexcept = 0;

  // Identifies the calling thread (or CPU, where the worker runs on an idle loop). Never 0.
  virtual std::uintptr_t current() noexcept = 0;

  // Memory for registration, zero-filled and aligned for any type; null when there is none.
  // Never called from a hot path.
  virtual void* allocate(ByteCount size) noexcept = 0;
  virtual void release(void* memory, ByteCount size) noexcept = 0;

 protected:
  ~Port() = default;
};

}  // namespace fallow
