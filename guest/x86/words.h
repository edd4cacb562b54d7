// Words of the command line that are the machine's own.
#pragma once

#include "guest/protocol/command_line.h"

namespace fallow::guest::x86 {

// Whether `word` is one of the words of `line`.
inline bool has_word(StringRef line, StringRef word) {
  for (StringRef one = next_word(line); !one.empty(); one = next_word(line)) {
    if (one == word) return true;
  }
  return false;
}

}  // namespace fallow::guest::x86
