#include "cli/process/memfd_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/term/output_file.h"

namespace fallow::cli {

std::optional<MemfdFile> MemfdFile::create(const char* name, std::string* error) {
  const int file = memfd_create(name, MFD_CLOEXEC);
  if (file >= 0) return MemfdFile(file);
  *error = fmt::format("cannot create a memory file: {}", std::strerror(errno));
  return {};
}

bool MemfdFile::append(std::span<const std::byte> bytes) {
  if (lseek(file_.get(), 0, SEEK_END) < 0) return false;
  return write_all(file_.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string MemfdFile::path() const { return fmt::format("/proc/self/fd/{}", file_.get()); }

}  // namespace fallow::cli
