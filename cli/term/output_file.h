// A file the command writes, or standard output; every failure is found out and told.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fallow::cli {

// Writes all of it, whatever signals come. False: errno says why.
bool write_all(int file, std::string_view text);

// Collects what is written into pieces of 64 KiB. After the first failure it writes nothing more. For one
// thread.
class OutputFile {
 public:
  // Opens and empties a file, or makes it; "-" is standard output. On failure returns nothing and sets
  // `error` to a sentence that names the file.
  static std::optional<OutputFile> open(const std::string& path, std::string* error);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  void write(std::string_view text);

  // Writes what is left and closes the file. False: something was not written, and error() says what.
  bool close();
  const std::string& error() const { return error_; }

 private:
  OutputFile(int file, std::string path) : file_(file), path_(std::move(path)) {}
  void flush();

  int file_;  // -1: closed
  std::string path_;
  std::string pending_;
  std::string error_;
};

}  // namespace fallow::cli
