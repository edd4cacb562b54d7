/// Frames of one mobility share blocks, so that frames that are freed together leave wholly free blocks.
#pragma once

#include <cstdint>

namespace fallow {

/// How the content of an allocation can be moved or dropped. Movable is 0, so that zero-filled tables
/// describe a zone of movable free blocks.
enum class Mobility : std::uint8_t {
  Movable = 0,      ///< the content can be moved to another frame
  Unmovable = 1,    ///< the content stays until it is freed
  Reclaimable = 2,  ///< the content can be dropped
};
/// The number of mobilities.
inline constexpr unsigned kMobilities = 3;

}  // namespace fallow
