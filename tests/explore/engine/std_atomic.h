// Included before everything else where the core is compiled for the explorer: std::atomic and
// std::atomic_ref become the model's. The standard headers that use the real one come first.
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
