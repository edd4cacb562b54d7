// Zero-initialised tables that use memory only for pages that are touched.
#pragma once

#include <cstdlib>
#include <memory>
#include <type_traits>

namespace fallow::replay {

struct FreeArray {
  void operator()(void* memory) const noexcept { std::free(memory); }
};

template <class T>
using ZeroedArray = std::unique_ptr<T[], FreeArray>;

// Returns null if there is no memory. Aligned to 16 bytes.
template <class T>
ZeroedArray<T> zeroed_array(std::size_t n) {
  static_assert(std::is_trivial_v<T>);
  return ZeroedArray<T>(static_cast<T*>(std::calloc(n, sizeof(T))));
}

}  // namespace fallow::replay
