// The verb `serve`: its options and help for CLI11, and what it does.
#pragma once

#include <CLI/App.hpp>

#include "cli/serve/serve_options.h"

namespace fallow::cli {

// Adds the verb to `app`. When it is chosen, `words` holds what was typed after parsing; both must outlive
// it.
CLI::App* add_serve_command(CLI::App& app, ServeWords* words);

// Serves guests until a signal ends it. Returns the exit status.
int run_serve(const ServeWords& words);

}  // namespace fallow::cli
