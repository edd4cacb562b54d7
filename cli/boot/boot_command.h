// The verb `boot`: its options and help for CLI11, and its implementation.
#pragma once

#include <CLI/App.hpp>

#include "cli/boot/boot_options.h"

namespace fallow::cli {

// Adds the verb to `app`. After parsing, `words` holds the arguments of the verb, if the verb was chosen.
// `app` and `words` must outlive the returned object.
CLI::App* add_boot_command(CLI::App& app, BootWords* words);

// Boots a guest, and reports how its memory was returned. Returns the exit status.
int run_boot(const BootWords& words);

}  // namespace fallow::cli
