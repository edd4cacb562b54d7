// The verb `ctl`: its options and help for CLI11, and what it does.
#pragma once

#include <CLI/App.hpp>

#include "cli/ctl/ctl_options.h"

namespace fallow::cli {

// Adds the verb to `app`. When it is chosen, `words` holds what was typed after parsing; both must outlive
// it.
CLI::App* add_ctl_command(CLI::App& app, CtlWords* words);

// Asks the daemon, and prints what it says. Returns the exit status.
int run_ctl(const CtlWords& words);

}  // namespace fallow::cli
