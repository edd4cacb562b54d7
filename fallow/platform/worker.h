// The worker as a port sees it.
#pragma once

#include "fallow/base/callback.h"
#include "fallow/base/units.h"

namespace fallow {

/// Does what is due and returns the next deadline; kNever means not before the next wakeup request. The
/// caller makes one call at a time.
using Worker = Callback<Nanoseconds()>;

/// Returns the worker that calls `object.run()`, which returns the next deadline. The object must outlive the
/// worker.
template <class T>
constexpr Worker worker_of(T& object) noexcept {
  return Worker::to<&T::run>(object);
}

}  // namespace fallow
