// How much of a list that a guest sends is read in one go.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/balloon/wire.h"

namespace fallow::detail {

// Page frame numbers of one inflate request. Drivers in use send 256 (Linux) or 1024; without a bound a chain
// could name terabytes of them.
inline constexpr std::size_t kMaxListFrames = 4096;
inline constexpr std::size_t kListBytes = kMaxListFrames * kBalloonPfnSize;

// Statistics of one buffer: four times as many as there are tags.
inline constexpr std::size_t kMaxStats = 64;

}  // namespace fallow::detail
