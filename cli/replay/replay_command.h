// The verb `replay`: its options and help for CLI11, and its implementation.
#pragma once

#include <CLI/App.hpp>

#include "cli/replay/replay_options.h"

namespace fallow::cli {

// Adds the verb to `app`. After parsing, `words` holds the arguments of the verb, if the verb was chosen.
// `app` and `words` must outlive the returned object.
CLI::App* add_replay_command(CLI::App& app, ReplayWords* words);

// Replays the trace and writes the requested results. Returns the exit status. Installs signal handlers while
// it runs.
int run_replay(const ReplayWords& words);

}  // namespace fallow::cli
