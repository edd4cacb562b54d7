// An output file, or standard output. Every failure to write is reported.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fallow::cli {

// Writes all of `text`, and restarts after signals. Returns false on failure, with errno set.
bool write_all(int file, std::string_view text);

// Buffers up to 64 KiB. Writes nothing more after the first failure. For one thread.
class OutputFile {
 public:
  // Creates or truncates a file; "-" is standard output. On failure returns nothing and sets `error` to a
  // sentence that names the file.
  static std::optional<OutputFile> open(const std::string& path, std::string* error);

  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  void write(std::string_view text);

  // Flushes and closes the file. Returns false if anything was not written; error() then holds the reason.
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
