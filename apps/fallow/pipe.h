// Both ends of a pipe.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "apps/fallow/owned_file.h"

namespace fallow {

struct Pipe {
  OwnedFile read, write;

  // Neither end is inherited. `flags`: O_NONBLOCK, or 0. Nothing: errno says why.
  static std::optional<Pipe> open(int flags = 0) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | flags) != 0) return {};
    return Pipe{OwnedFile(ends[0]), OwnedFile(ends[1])};
  }
};

}  // namespace fallow
