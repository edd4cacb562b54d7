#include "fallow/host/detail/release_error.h"

#include <cerrno>
#include <system_error>

namespace fallow::detail {
namespace {

const char* cause_and_cure(const std::string& call, int error) {
  switch (error) {
    case EOPNOTSUPP:
    case ENOSYS:
      return ": the filesystem of the guest's memory cannot release parts of a file; let the front-end take "
             "memory from a memfd or a tmpfs";
    case EPERM:
      return ": the memory file is sealed against writing (F_SEAL_WRITE, F_SEAL_FUTURE_WRITE), and a seal "
             "cannot be removed; have the front-end create the file without these seals. Without a seal, a "
             "security policy forbids the call";
    case EINVAL:
      if (call == "madvise(MADV_FREE)")
        return ": the memory is locked (mlock, mlockall), and locked memory cannot be released lazily; "
               "release it at once, or do not lock it";
      if (call == "madvise(MADV_DONTNEED)")
        return ": the memory is locked (mlock, mlockall), and this kernel does not release locked memory; "
               "run Linux 5.18 or later, or do not lock it";
      return "";
    default:
      return "";
  }
}

}  // namespace

std::string release_error_text(const std::string& call, int error) {
  return call + ": " + std::generic_category().message(error) + cause_and_cure(call, error);
}

}  // namespace fallow::detail
