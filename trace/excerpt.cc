#include "trace/excerpt.h"

#include <fmt/format.h>

#include <iterator>

namespace fallow::trace {

std::string excerpt(std::string_view text) {
  constexpr std::size_t kSize = 60;
  std::string out;
  for (const char c : text.substr(0, kSize)) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (text.size() > kSize) out += "...";
  return out;
}

}  // namespace fallow::trace
