#include "trace/source/file_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace fallow::trace {
namespace {

// Returns 0 for pipes, which have no size. Files under tracefs also state size 0; reading trace_pipe blocks
// until the kernel writes.
std::uint64_t size_of_regular_file(const char* path) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return 0;
  const std::uintmax_t size = std::filesystem::file_size(path, failed);
  return failed ? 0 : size;
}

}  // namespace

FileSource::FileSource(const std::string& path) {
  const bool standard_input = path == "-";
  file_ = standard_input ? stdin : std::fopen(path.c_str(), "rb");
  if (file_ == nullptr) {
    error_ = fmt::format("cannot open: {}", std::strerror(errno));
    return;
  }
  // The blocks of the reader are large; stdio buffering would only add a copy.
  if (!standard_input) std::setvbuf(file_, nullptr, _IONBF, 0);
  size_ = size_of_regular_file(standard_input ? "/dev/stdin" : path.c_str());
}

FileSource::~FileSource() {
  if (file_ != nullptr && file_ != stdin) std::fclose(file_);
}

std::size_t FileSource::read(std::span<char> buffer) {
  if (file_ == nullptr || !error_.empty()) return 0;
  const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file_);
  if (count < buffer.size() && std::ferror(file_) != 0) {
    error_ = fmt::format("cannot read: {}", std::strerror(errno));
  }
  read_.fetch_add(count, std::memory_order_relaxed);
  return count;
}

std::optional<double> FileSource::progress() const {
  if (size_ == 0) return std::nullopt;
  const auto read = static_cast<double>(read_.load(std::memory_order_relaxed));
  return std::min(1.0, read / static_cast<double>(size_));
}

}  // namespace fallow::trace
