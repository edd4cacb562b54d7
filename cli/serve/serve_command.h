// The subcommand `serve`: its options and help for CLI11, and its implementation.
#pragma once

#include <CLI/App.hpp>

#include "cli/serve/serve_options.h"

namespace fallow::cli {

// Adds the subcommand to `app`. Parsing stores the given option values in `words`. Both must outlive the
// result.
CLI::App* add_serve_command(CLI::App& app, ServeWords* words);

// Serves guests until a signal ends it. Returns the exit status.
int run_serve(const ServeWords& words);

}  // namespace fallow::cli
