// The scatterlist: what a reporting device is shown.
#pragma once

#include <span>

#include "fallow/base/units.h"

namespace fallow {

// A run of page frames that nobody uses. `end` is the end mark: set on the last entry of a request, and
// only there.
struct ScatterEntry {
  Pfn first;
  PfnCount count;
  bool end = false;
};

using Scatterlist = std::span<const ScatterEntry>;

}  // namespace fallow
