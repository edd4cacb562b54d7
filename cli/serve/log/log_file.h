// Where the log of `fallow serve` goes: a file that may be put away while it is written, or standard error.
#pragma once

#include <optional>
#include <string>

namespace fallow::cli {

class LogFile {
 public:
  // Nothing: standard error. False: `error` is a sentence.
  bool open(const std::optional<std::string>& path, std::string* error);

  // A program that puts logs away renames the file and sends SIGHUP: the new file gets the old one's number.
  // What is not a regular file, or is a link by now, stays as it is: whoever may write where the log is must
  // not have it written elsewhere with the daemon's rights.
  void reopen() noexcept;

  int file() const { return file_; }

 private:
  std::string path_;
  int file_ = 2;
};

}  // namespace fallow::cli
