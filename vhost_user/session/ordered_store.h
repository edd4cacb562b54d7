// Stores into memory that outlives the process.
#pragma once

#include <atomic>
#include <type_traits>

namespace fallow::vhost {

// release: MO-28, these stores reach the memory in program order, and so does what a process leaves behind
// that dies between two of them.
template <class T>
void ordered_store(T& cell, std::type_identity_t<T> value) noexcept {
  std::atomic_ref<T>(cell).store(value, std::memory_order_release);
}

}  // namespace fallow::vhost
