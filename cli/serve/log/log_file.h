// The log file of `fallow serve`, which may be rotated while in use, or standard error.
#pragma once

#include <optional>
#include <string>

namespace fallow::cli {

class LogFile {
 public:
  // Without a path, the log goes to standard error. Returns false and sets `error` on failure.
  bool open(const std::optional<std::string>& path, std::string* error);

  // Reopens the path after log rotation (rename and SIGHUP). The new file takes the old descriptor number.
  // Keeps the old file if the path is now a link or not a regular file, because a user with write access to
  // the folder must not redirect writes made with the daemon's rights.
  void reopen() noexcept;

  int file() const { return file_; }

 private:
  std::string path_;
  int file_ = 2;
};

}  // namespace fallow::cli
