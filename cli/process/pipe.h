// Both ends of a pipe.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "cli/process/unique_fd.h"

namespace fallow::cli {

struct Pipe {
  UniqueFd read, write;

  // Both ends are close-on-exec. `flags` is O_NONBLOCK or 0. Returns nothing on failure, with errno set.
  static std::optional<Pipe> open(int flags = 0) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | flags) != 0) return {};
    return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  }
};

}  // namespace fallow::cli
