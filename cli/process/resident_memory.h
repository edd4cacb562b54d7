// The resident memory of another process, as the kernel counts it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "cli/process/unique_fd.h"
#include "fallow/base/units.h"

namespace fallow::cli {

// For one thread. Keeps a file open; a look costs a system call, some microseconds.
class ResidentMemory {
 public:
  explicit ResidentMemory(pid_t process);

  // Nothing: the process has ended.
  std::optional<ByteCount> now() const;

 private:
  UniqueFd file_;
  std::uint64_t page_size_;
};

}  // namespace fallow::cli
