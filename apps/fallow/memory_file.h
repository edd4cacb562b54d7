// A file that is nowhere: other programs open it by a path while it is ours, and nothing of it is left.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "apps/fallow/owned_file.h"

namespace fallow {

class MemoryFile {
 public:
  // `name` is for people who look at open files. On failure returns nothing and sets `error` to a sentence.
  static std::optional<MemoryFile> create(const char* name, std::string* error);

  // False: errno says why.
  bool append(std::span<const std::byte> bytes);

  // To be inherited by the program that gets path().
  int file() const { return file_.get(); }
  std::string path() const;

 private:
  explicit MemoryFile(int file) : file_(file) {}
  OwnedFile file_;
};

}  // namespace fallow
