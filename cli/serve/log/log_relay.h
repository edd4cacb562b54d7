// Relays log lines from a guest's processes to the daemon, which alone writes the log. A guest's processes
// can neither truncate the log nor flood it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "cli/process/unique_fd.h"
#include "cli/serve/log/serve_log.h"
#include "cli/serve/log/token_bucket.h"

namespace fallow::cli {

// Reads one pipe. Not thread-safe.
class LogRelay {
 public:
  static constexpr std::size_t kBurst = 128 << 10;       // bytes in a burst
  static constexpr std::size_t kBytesASecond = 8 << 10;  // sustained rate

  // Takes ownership of `file`, the read end of a non-blocking pipe.
  LogRelay(UniqueFd file, std::uint64_t guest, ServeLog& log)
      : file_(std::move(file)), guest_(guest), log_(log) {}

  int file() const { return file_.get(); }
  // Forwards the available lines, up to a bound that keeps the loop fair. Returns false at the end of the
  // pipe.
  bool pass_on();

 private:
  void pass_on_line(std::string_view line);

  const UniqueFd file_;
  const std::uint64_t guest_;
  ServeLog& log_;
  std::string part_;  // an incomplete line
  TokenBucket budget_{kBurst, kBytesASecond};
  std::uint64_t dropped_ = 0;
};

}  // namespace fallow::cli
