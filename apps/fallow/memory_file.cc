#include "apps/fallow/memory_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "apps/fallow/output_file.h"

namespace fallow {

std::optional<MemoryFile> MemoryFile::create(const char* name, std::string* error) {
  const int file = memfd_create(name, MFD_CLOEXEC);
  if (file >= 0) return MemoryFile(file);
  *error = fmt::format("cannot make a file in memory: {}", std::strerror(errno));
  return {};
}

bool MemoryFile::append(std::span<const std::byte> bytes) {
  if (lseek(file_.get(), 0, SEEK_END) < 0) return false;
  return write_all(file_.get(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string MemoryFile::path() const { return fmt::format("/proc/self/fd/{}", file_.get()); }

}  // namespace fallow
