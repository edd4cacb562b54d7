// Lines of the log on their way from a guest's processes to the daemon, which alone writes to the log: they
// can neither empty it nor fill it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "cli/process/unique_fd.h"
#include "cli/serve/log/serve_log.h"
#include "cli/serve/log/token_bucket.h"

namespace fallow::cli {

// One thread. Reads one pipe.
class LogRelay {
 public:
  static constexpr std::size_t kBurst = 128 << 10;       // bytes at once
  static constexpr std::size_t kBytesASecond = 8 << 10;  // and then

  // `file`, the reading end of a pipe that does not block, is the relay's from now on.
  LogRelay(UniqueFd file, std::uint64_t guest, ServeLog& log)
      : file_(std::move(file)), guest_(guest), log_(log) {}

  int file() const { return file_.get(); }
  // Passes on what there is, up to a bound, so that others have their turn. False: there will be no more.
  bool pass_on();

 private:
  void pass_on_line(std::string_view line);

  const UniqueFd file_;
  const std::uint64_t guest_;
  ServeLog& log_;
  std::string part_;  // of a line
  TokenBucket budget_{kBurst, kBytesASecond};
  std::uint64_t left_out_ = 0;
};

}  // namespace fallow::cli
