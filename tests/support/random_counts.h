// How much a random test does: a number from the environment, or what fits into a run of all tests.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace fallow {

inline std::uint32_t number_from(const char* name, std::uint32_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace fallow
