// Error texts for system calls that failed during setup.
#pragma once

#include <string>

#include "fallow/base/units.h"

namespace fallow::detail {

// Returns, for example, "mapping 2048 MiB failed: mmap: Cannot allocate memory (...)", with a hint if the
// usual cause of `error` is known.
std::string system_error_text(const std::string& what, const char* call, int error);

// Returns "2048 MiB", or "12 KiB" for a size that is not a whole number of MiB.
std::string size_text(ByteCount size);

}  // namespace fallow::detail
