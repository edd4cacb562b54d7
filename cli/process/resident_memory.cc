#include "cli/process/resident_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

namespace fallow::cli {

ResidentMemory::ResidentMemory(pid_t process)
    : file_(open(fmt::format("/proc/{}/statm", process).c_str(), O_RDONLY | O_CLOEXEC)),
      page_size_(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE))) {}

std::optional<ByteCount> ResidentMemory::now() const {
  char text[256];
  const ssize_t count = pread(file_.get(), text, sizeof text, 0);
  if (count <= 0) return {};
  // proc(5): the second number is the resident set, in pages.
  const std::string_view line(text, static_cast<std::size_t>(count));
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return {};
  std::uint64_t pages = 0;
  const auto read = std::from_chars(line.data() + blank + 1, line.data() + line.size(), pages);
  // A zombie process has no memory.
  if (read.ec != std::errc() || pages == 0) return {};
  return ByteCount{pages * page_size_};
}

}  // namespace fallow::cli
