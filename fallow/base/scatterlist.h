// The scatterlist: the list of free runs that a reporting device receives.
#pragma once

#include <span>

#include "fallow/base/units.h"

namespace fallow {

/// A run of free page frames.
struct ScatterEntry {
  Pfn first;         ///< the first frame of the run
  PfnCount count;    ///< the length of the run; at least 1
  bool end = false;  ///< the end mark: set on the last entry of a request and on no other
};

/// The entries of one request; valid until the request is settled.
using Scatterlist = std::span<const ScatterEntry>;

}  // namespace fallow
