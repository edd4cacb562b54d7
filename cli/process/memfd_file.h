// A file that is nowhere: other programs open it by a path while it is ours, and nothing of it is left.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "cli/process/unique_fd.h"

namespace fallow::cli {

class MemfdFile {
 public:
  // `name` is for people who look at open files. On failure returns nothing and sets `error` to a sentence.
  static std::optional<MemfdFile> create(const char* name, std::string* error);

  // False: errno says why.
  bool append(std::span<const std::byte> bytes);

  // To be inherited by the program that gets path().
  int file() const { return file_.get(); }
  std::string path() const;

 private:
  explicit MemfdFile(int file) : file_(file) {}
  UniqueFd file_;
};

}  // namespace fallow::cli
