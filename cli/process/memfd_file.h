// An anonymous file that a child process can open by a path. The kernel frees the file with its last
// descriptor.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "cli/process/unique_fd.h"

namespace fallow::cli {

class MemfdFile {
 public:
  // `name` appears in /proc for debugging. On failure returns nothing and sets `error` to a sentence.
  static std::optional<MemfdFile> create(const char* name, std::string* error);

  // Returns false on failure, with errno set.
  bool append(std::span<const std::byte> bytes);

  // The descriptor that a program must inherit to open path().
  int file() const { return file_.get(); }
  std::string path() const;

 private:
  explicit MemfdFile(int file) : file_(file) {}
  UniqueFd file_;
};

}  // namespace fallow::cli
