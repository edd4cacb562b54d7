// The services that the core needs from its environment. One port object serves one reporter and its zones.
#pragma once

#include <cstdint>

#include "fallow/base/callback.h"
#include "fallow/base/units.h"

namespace fallow {

/// The interface between the core and its environment. The port must outlive the reporter and its zones.
class Port {
 public:
  /// Returns monotonic time since any fixed point. Any thread.
  virtual Nanoseconds now() noexcept = 0;

  /// Requests that the worker (Reporter::run) runs once `deadline` has passed; the earliest of several
  /// requests counts. Any thread may call this, also from inside a free. Must not block and must not call
  /// the core.
  virtual void wake_at(Nanoseconds deadline) noexcept = 0;

  /// Yields or pauses the CPU. Called repeatedly while this thread waits for another one.
  virtual void relax() noexcept = 0;

  /// Identifies the calling thread, or the calling CPU if the worker runs on an idle loop. Never 0.
  virtual std::uintptr_t current() noexcept = 0;

  /// Returns memory for a registration, zero-filled and aligned for any type; null if no memory is left.
  /// Never called from a hot path.
  virtual void* allocate(ByteCount size) noexcept = 0;
  /// Gives back memory that came from allocate(size), with the same size.
  virtual void release(void* memory, ByteCount size) noexcept = 0;

 protected:
  ~Port() = default;
};

/// Runs the worker and returns its next deadline; kNever means not before the next wakeup request. At most
/// one call at a time.
using Worker = Callback<Nanoseconds()>;

/// Returns the worker that calls `object.run()`, which returns the next deadline. The object must outlive the
/// worker.
template <class T>
constexpr Worker worker_of(T& object) noexcept {
  return Worker::to<&T::run>(object);
}

}  // namespace fallow
