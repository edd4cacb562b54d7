// The verb `ctl`: its options and help for CLI11, and its implementation.
#pragma once

#include <CLI/App.hpp>

#include "cli/ctl/ctl_options.h"

namespace fallow::cli {

// Adds the verb to `app`. After parsing, `words` holds the arguments of the verb, if the verb was chosen.
// `app` and `words` must outlive the returned object.
CLI::App* add_ctl_command(CLI::App& app, CtlWords* words);

// Sends the request to the daemon, and prints the answer. Returns the exit status.
int run_ctl(const CtlWords& words);

}  // namespace fallow::cli
