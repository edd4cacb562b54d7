// Counts the heap allocations of this program.
#pragma once

#include <cstdint>

namespace fallow::bench {

// Returns the number of calls of malloc and related functions by all threads since the start, including those
// of operator new.
std::uint64_t allocation_count();

}  // namespace fallow::bench
