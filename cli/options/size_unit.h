// Sizes whose unit must be typed, because bytes make no sense for them.
#pragma once

#include <optional>
#include <string_view>

#include "cli/term/parse.h"

namespace fallow::cli {

// Does what parse_size() does, but refuses a number other than 0 without a unit: "12" is not 12 bytes.
inline std::optional<ByteCount> parse_size_with_unit(std::string_view text) {
  const auto size = parse_size(text);
  const bool has_unit = !text.empty() && text.back() >= 'A';  // above the digits and the decimal point
  if (size && size->raw != 0 && !has_unit) return {};
  return size;
}

}  // namespace fallow::cli
