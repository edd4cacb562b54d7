/// The request for an allocation, and its answer.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"

namespace fallow {

/// How the content of an allocation can be moved or dropped. Frames of one mobility share blocks, so that
/// frames that are freed together leave wholly free blocks. Movable is 0, so that zero-filled tables describe
/// a zone of movable free blocks.
enum class Mobility : std::uint8_t {
  Movable = 0,      ///< the content can be moved to another frame
  Unmovable = 1,    ///< the content stays until it is freed
  Reclaimable = 2,  ///< the content can be dropped
};
/// The number of mobilities.
inline constexpr unsigned kMobilities = 3;

/// A block of frames, or why there is none.
struct [[nodiscard]] Allocation {
  Pfn pfn;                           ///< the first frame, if ok()
  Status status = Status::NoMemory;  ///< Ok, NoMemory or InvalidArgument
  /// The frames hold what the device promised when it took them (R12): zero, or the poison value.
  bool content_known = false;
  /// Whether there is a block.
  constexpr bool ok() const { return status == Status::Ok; }
};

}  // namespace fallow
