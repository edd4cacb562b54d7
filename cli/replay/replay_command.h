// The verb `replay`: its options and help for CLI11, and what it does.
#pragma once

#include <CLI/App.hpp>

#include "cli/replay/replay_options.h"

namespace fallow::cli {

// Adds the verb to `app`. When it is chosen, `words` holds what was typed after parsing; both must outlive
// it.
CLI::App* add_replay_command(CLI::App& app, ReplayWords* words);

// Replays, and writes all that was asked for. Returns the exit status. Installs signal handlers while it
// runs.
int run_replay(const ReplayWords& words);

}  // namespace fallow::cli
