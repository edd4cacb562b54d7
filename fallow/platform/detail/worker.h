// The worker as a port sees it: a function that does what is due and says when it is due again.
#pragma once

#include "fallow/base/units.h"

namespace fallow::detail {

struct Worker {
  // Returns the next deadline; kNever: not before the next wish. One call at a time.
  Nanoseconds (*run)(void* context) = nullptr;
  void* context = nullptr;
};

// The worker that calls `object.run()`, which returns the next deadline. The object must outlive it.
template <class T>
Worker worker_of(T& object) noexcept {
  return {[](void* context) -> Nanoseconds { return static_cast<T*>(context)->run(); }, &object};
}

}  // namespace fallow::detail
