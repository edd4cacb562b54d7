/// The answer to an allocation.
#pragma once

#include "fallow/base/status.h"
#include "fallow/base/units.h"

namespace fallow {

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
