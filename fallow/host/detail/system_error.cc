#include "fallow/host/detail/system_error.h"

#include <cerrno>
#include <system_error>

namespace fallow::detail {
namespace {

const char* hint(int error) {
  switch (error) {
    case ENOMEM:
      return " (check the limits on address space (ulimit -v), on overcommit (/proc/sys/vm/overcommit_memory)"
             " and on mappings (/proc/sys/vm/max_map_count))";
    case EFBIG:
      return " (check the limit on file size (ulimit -f))";
    case EMFILE:
      return " (check the limit on open files (ulimit -n))";
    default:
      return "";
  }
}

}  // namespace

std::string system_error_text(const std::string& what, const char* call, int error) {
  return what + " failed: " + call + ": " + std::generic_category().message(error) + hint(error);
}

std::string size_text(ByteCount size) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  if (size.raw != 0 && size.raw % kMiB == 0) return std::to_string(size.raw / kMiB) + " MiB";
  return std::to_string(size.raw >> 10) + " KiB";
}

}  // namespace fallow::detail
