// The number of iterations of a random test: from the environment, or a default that suits a run of all
// tests.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace fallow {

inline std::uint32_t number_from(const char* name, std::uint32_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace fallow
