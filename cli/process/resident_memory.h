// The resident memory of another process, as reported by the kernel.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "cli/process/unique_fd.h"
#include "fallow/base/units.h"

namespace fallow::cli {

// For one thread. Keeps a file open; each reading costs one system call, some microseconds.
class ResidentMemory {
 public:
  explicit ResidentMemory(pid_t process);

  // Returns nothing if the process has ended.
  std::optional<ByteCount> now() const;

 private:
  UniqueFd file_;
  std::uint64_t page_size_;
};

}  // namespace fallow::cli
