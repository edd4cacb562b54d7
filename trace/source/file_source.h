// The unmodified bytes of a file.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>

#include "trace/source/byte_source.h"

namespace fallow::trace {

class FileSource : public ByteSource {
 public:
  explicit FileSource(const std::string& path);  // "-" is standard input
  ~FileSource() override;

  std::size_t read(std::span<char> buffer) override;
  const std::string& error() const override { return error_; }
  std::optional<double> progress() const override;

 private:
  std::FILE* file_ = nullptr;
  std::string error_;
  std::uint64_t size_ = 0;  // 0: unknown
  // Relaxed everywhere: the value only feeds a progress bar and orders no other access.
  std::atomic<std::uint64_t> read_{0};
};

}  // namespace fallow::trace
