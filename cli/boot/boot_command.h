// The verb `boot`: its options and help for CLI11, and what it does.
#pragma once

#include <CLI/App.hpp>

#include "cli/boot/boot_options.h"

namespace fallow::cli {

// Adds the verb to `app`. When it is chosen, `words` holds what was typed after parsing; both must outlive
// it.
CLI::App* add_boot_command(CLI::App& app, BootWords* words);

// Boots a guest, and tells what became of its memory. Returns the exit status.
int run_boot(const BootWords& words);

}  // namespace fallow::cli
