// Included before everything else when the core is compiled for the explorer: replaces std::atomic and
// std::atomic_ref with the model's. The standard headers that use the real ones are included first.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/explore/engine/atomic.h"

namespace std {
template <class T>
using fallow_model_atomic = fallow::explore::Atomic<T>;
template <class T>
using fallow_model_atomic_ref = fallow::explore::AtomicRef<T>;
inline void fallow_model_fence(memory_order order,
                               fallow::explore::Site site = fallow::explore::Site::current()) {
  fallow::explore::fence(order, site);
}
}  // namespace std

#define atomic fallow_model_atomic
#define atomic_ref fallow_model_atomic_ref
#define atomic_thread_fence fallow_model_fence
