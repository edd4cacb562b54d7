// Tables that are zero from the start, of which only what is touched takes memory.
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

// Null when there is no memory. Aligned to 16 bytes.
template <class T>
ZeroedArray<T> zeroed_array(std::size_t n) {
  static_assert(std::is_trivial_v<T>);
  return ZeroedArray<T>(static_cast<T*>(std::calloc(n, sizeof(T))));
}

}  // namespace fallow::replay
