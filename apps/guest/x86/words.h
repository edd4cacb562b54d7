// Words of the command line that are the machine's own.
#pragma once

#include "apps/guest/text.h"

namespace fallow::guest::x86 {

// Whether `word` is one of the words of `line`.
constexpr bool has_word(Text line, Text word) {
  for (;;) {
    const std::size_t end = line.find(' ');
    if (line.first(end) == word) return true;
    if (end == Text::kNone) return false;
    line = line.from(end + 1);
  }
}

}  // namespace fallow::guest::x86
