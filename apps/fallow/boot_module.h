// A recorded trace as the guest reads it: its boot module.
#pragma once

#include <optional>
#include <string>

#include "apps/fallow/boot_options.h"
#include "apps/fallow/memory_file.h"

namespace fallow {

// Converts request.trace. On failure returns nothing and sets `error` to a sentence naming the file or line.
std::optional<MemoryFile> trace_module(const BootRequest& request, std::string* error);

}  // namespace fallow
