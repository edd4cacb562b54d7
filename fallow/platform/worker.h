// The worker as a port sees it.
#pragma once

#include "fallow/base/callback.h"
#include "fallow/base/units.h"

namespace fallow {

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
