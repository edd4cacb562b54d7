// How often this program asked for memory.
#pragma once

#include <cstdint>

namespace fallow::bench {

// Calls of malloc and its kin, by all threads since the start; operator new ends in them.
std::uint64_t allocation_count();

}  // namespace fallow::bench
