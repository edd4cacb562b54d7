// Mobility: what can be moved together shares blocks, so that what is freed together becomes wholly free.
#pragma once

#include <cstdint>

namespace fallow {

// Movable is 0, so that zero-filled tables mean a zone of movable free blocks.
enum class Mobility : std::uint8_t { Movable = 0, Unmovable = 1, Reclaimable = 2 };
inline constexpr unsigned kMobilities = 3;

}  // namespace fallow
