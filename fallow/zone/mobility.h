/// Frames of one mobility share blocks, so that frames that are freed together leave wholly free blocks.
#pragma once

#include <cstdint>

namespace fallow {

/// How the content of an allocation can be moved or dropped. Movable is 0, so that zero-filled tables
/// describe a zone of movable free blocks.
enum class Mobility : std::uint8_t { Movable = 0, Unmovable = 1, Reclaimable = 2 };
/// The number of mobilities.
inline constexpr unsigned kMobilities = 3;

}  // namespace fallow
