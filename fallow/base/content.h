// The content of a page frame after it was reported or discarded.
#pragma once

#include <cstdint>

namespace fallow {

/// The content of a reported or discarded frame afterwards (contract R12).
enum class Content : std::uint8_t {
  Unknown,  ///< Unspecified.
  Zero,     ///< All bytes are zero.
  Poison,   ///< The poison value that device and guest agreed on.
};

}  // namespace fallow
