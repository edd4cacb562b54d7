/// The parameters of a zone.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow {

/// The frames of a zone and the number of its local caches.
struct ZoneConfig {
  Pfn base;                  ///< any alignment; orders are aligned in absolute frame numbers
  PfnCount frames;           ///< at least 1
  std::uint32_t caches = 1;  ///< 1 to 4095: one for each CPU or thread that allocates or frees
};

}  // namespace fallow
