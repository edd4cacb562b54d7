// Words of the command line that are the machine's own.
#pragma once

#include "apps/guest/command_line.h"

namespace fallow::guest::x86 {

// Whether `word` is one of the words of `line`.
inline bool has_word(Text line, Text word) {
  for (Text one = next_word(line); !one.empty(); one = next_word(line)) {
    if (one == word) return true;
  }
  return false;
}

}  // namespace fallow::guest::x86
