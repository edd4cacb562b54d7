// An open file's number, closed with its owner.
#pragma once

#include <unistd.h>

#include <utility>

namespace fallow {

class OwnedFile {
 public:
  OwnedFile() = default;
  explicit OwnedFile(int file) : file_(file) {}
  OwnedFile(OwnedFile&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  OwnedFile& operator=(OwnedFile&& other) noexcept {
    if (this != &other) close();
    file_ = std::exchange(other.file_, -1);
    return *this;
  }
  ~OwnedFile() { close(); }

  int get() const { return file_; }
  explicit operator bool() const { return file_ >= 0; }
  void close() {
    if (file_ >= 0) ::close(file_);
    file_ = -1;
  }

 private:
  int file_ = -1;  // -1: none
};

}  // namespace fallow
