// Helpers with which the backing tests fill and read memory.
#pragma once

#include <algorithm>
#include <cstring>

#include "fallow/host/backing.h"

namespace fallow::detail {

inline void fill(Backing& backing, Pfn first, PfnCount n, int value) {
  std::memset(backing.address(first), value, bytes(n).raw);
}

// Returns whether all bytes of the frames have the value. Reads, and therefore touches, each frame.
inline bool holds(Backing& backing, Pfn first, PfnCount n, int value) {
  const auto* const from = backing.address(first);
  return std::all_of(from, from + bytes(n).raw, [&](std::byte b) { return b == std::byte(value); });
}

}  // namespace fallow::detail
