// What a page frame holds after it was given back.
#pragma once

#include <cstdint>

namespace fallow {

// What a reported or discarded frame reads as afterwards (contract R12).
enum class Content : std::uint8_t {
  Unknown,  // unspecified
  Zero,     // all bytes zero
  Poison,   // the poison value that device and guest agreed on
};

}  // namespace fallow
