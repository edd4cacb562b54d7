// Texts for system calls that failed while something was set up.
#pragma once

#include <string>

#include "fallow/base/units.h"

namespace fallow::detail {

// "mapping 2048 MiB failed: mmap: Cannot allocate memory (...)", with a hint where the usual cause of
// `error` is known.
std::string system_error_text(const std::string& what, const char* call, int error);

// "2048 MiB", or "12 KiB" for what is not whole MiB.
std::string size_text(ByteCount size);

}  // namespace fallow::detail
