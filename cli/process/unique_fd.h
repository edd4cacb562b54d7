// Owns a file descriptor and closes it.
#pragma once

#include <unistd.h>

#include <utility>

namespace fallow::cli {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int file) : file_(file) {}
  UniqueFd(UniqueFd&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) close();
    file_ = std::exchange(other.file_, -1);
    return *this;
  }
  ~UniqueFd() { close(); }

  int get() const { return file_; }
  explicit operator bool() const { return file_ >= 0; }
  void close() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

 private:
  int file_ = -1;  // -1: none
};

}  // namespace fallow::cli
