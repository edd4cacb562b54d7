// Error texts for memory that the host did not release.
#pragma once

#include <string>

namespace fallow::detail {

// Returns, for example, "fallocate(FALLOC_FL_PUNCH_HOLE): Operation not permitted: ...", with the usual
// cause of the errno `error` and what to do about it, if these are known. `call` is the system call that
// failed, with its mode in parentheses.
std::string release_error_text(const std::string& call, int error);

}  // namespace fallow::detail
