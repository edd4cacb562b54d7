// The scatterlist: the list of free runs that a reporting device receives.
#pragma once

#include <span>

#include "fallow/base/units.h"

namespace fallow {

/// A run of free page frames. `end` is the end mark: it is set on the last entry of a request and on no
/// other.
struct ScatterEntry {
  Pfn first;
  PfnCount count;
  bool end = false;
};

/// The entries of one request; valid until the request is settled.
using Scatterlist = std::span<const ScatterEntry>;

}  // namespace fallow
