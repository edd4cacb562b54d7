// Bounds on the lists that the device reads from a guest at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/balloon/wire.h"

namespace fallow::detail {

// Page frame numbers in one inflate request. Drivers in use send 256 (Linux) or 1024. Without a bound a chain
// could name terabytes of page frame numbers.
inline constexpr std::size_t kMaxListFrames = 4096;
inline constexpr std::size_t kListBytes = kMaxListFrames * kBalloonPfnSize;

// Statistics in one buffer: four times the number of tags.
inline constexpr std::size_t kMaxStats = 64;

}  // namespace fallow::detail
