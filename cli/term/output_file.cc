#include "cli/term/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fallow::cli {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10;

std::string name_of(const std::string& path) { return path == "-" ? "standard output" : path; }

}  // namespace

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::optional<OutputFile> OutputFile::open(const std::string& path, std::string* error) {
  if (path == "-") return OutputFile(STDOUT_FILENO, path);
  constexpr mode_t kMode = 0666;  // reduced by the umask
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (file < 0) {
    *error = fmt::format("{}: cannot write: {}", path, std::strerror(errno));
    return {};
  }
  return OutputFile(file, path);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      path_(std::move(other.path_)),
      pending_(std::move(other.pending_)),
      error_(std::move(other.error_)) {}

OutputFile::~OutputFile() { static_cast<void>(close()); }

void OutputFile::write(std::string_view text) {
  pending_ += text;
  if (pending_.size() >= kPiece) flush();
}

void OutputFile::flush() {
  if (error_.empty() && !write_all(file_, pending_))
    error_ = fmt::format("{}: cannot write: {}", name_of(path_), std::strerror(errno));
  pending_.clear();
}

bool OutputFile::close() {
  if (file_ < 0) return error_.empty();
  flush();
  const int file = std::exchange(file_, -1);
  // Standard output stays open for later writes.
  if (file != STDOUT_FILENO && ::close(file) != 0 && error_.empty())
    error_ = fmt::format("{}: cannot write: {}", path_, std::strerror(errno));
  return error_.empty();
}

}  // namespace fallow::cli
