// Texts for memory that the host did not release.
#pragma once

#include <string>

namespace fallow::detail {

// "fallocate(FALLOC_FL_PUNCH_HOLE): Operation not permitted: ..." with the usual cause of `error`, an errno,
// and what to do about it where that is known. `call` is the system call that failed, with its mode in
// brackets.
std::string release_error_text(const std::string& call, int error);

}  // namespace fallow::detail
