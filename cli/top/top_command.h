// The verb `top`: its options and help for CLI11, and what it does.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

namespace fallow::cli {

// As they were typed; nothing where an option was not given.
struct TopWords {
  std::optional<std::string> control, interval;
};

// Adds the verb to `app`. When it is chosen, `words` holds what was typed after parsing; both must outlive
// it.
CLI::App* add_top_command(CLI::App& app, TopWords* words);

// Shows the guests until it is told to end; without a terminal, once, as a table. Returns the exit status.
// Installs signal handlers while it runs.
int run_top(const TopWords& words);

}  // namespace fallow::cli
