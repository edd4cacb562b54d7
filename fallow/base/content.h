// The content of a page frame after it was reported or discarded.
#pragma once

#include <cstdint>

namespace fallow {

/// What a reported or discarded frame reads as afterwards (contract R12).
enum class Content : std::uint8_t {
  Unknown,  ///< Unspecified.
  Zero,     ///< All bytes are zero.
  Poison,   ///< The poison value that device and guest agreed on.
};

}  // namespace fallow
