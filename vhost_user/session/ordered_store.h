// Stores into memory that outlives the process.
#pragma once

#include <atomic>
#include <type_traits>

namespace fallow::vhost {

// release: MO-28, such stores reach the memory in the order in which they are made, and so does what a
// process that dies among them leaves behind.
template <class T>
void ordered_store(T& cell, std::type_identity_t<T> value) noexcept {
  std::atomic_ref<T>(cell).store(value, std::memory_order_release);
}

}  // namespace fallow::vhost
