#include "cli/serve/log/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fallow::cli {
namespace {

int open_log(const std::string& path, int more) {
  constexpr mode_t kMode = 0640;
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | more, kMode);
}

bool regular(int file) {
  struct stat at {};
  return fstat(file, &at) == 0 && S_ISREG(at.st_mode);
}

}  // namespace

bool LogFile::open(const std::optional<std::string>& path, std::string* error) {
  if (!path) return true;
  path_ = *path;
  file_ = open_log(path_, 0);
  if (file_ < 0) *error = fmt::format("--log {}: cannot write: {}", path_, std::strerror(errno));
  return file_ >= 0;
}

void LogFile::reopen() noexcept {
  if (path_.empty() || !regular(file_)) return;
  const int file = open_log(path_, O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return;  // keep the old file
  if (regular(file)) dup3(file, file_, O_CLOEXEC);
  close(file);
}

}  // namespace fallow::cli
