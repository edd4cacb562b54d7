// Converts a recorded trace to the guest's boot module.
#pragma once

#include <optional>
#include <string>

#include "cli/boot/boot_options.h"
#include "cli/process/memfd_file.h"

namespace fallow::cli {

// Converts request.trace. On failure returns nothing and sets `error` to a sentence naming the file or line.
std::optional<MemfdFile> trace_module(const BootRequest& request, std::string* error);

}  // namespace fallow::cli
