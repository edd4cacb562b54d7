// The verb `top`: its options and help for CLI11, and its implementation.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>

namespace fallow::cli {

// The arguments as typed; nothing for an option that was not given.
struct TopWords {
  std::optional<std::string> control, interval;
};

// Adds the verb to `app`. After parsing, `words` holds the arguments of the verb, if the verb was chosen.
// `app` and `words` must outlive the returned object.
CLI::App* add_top_command(CLI::App& app, TopWords* words);

// Shows the guests until the user quits; without a terminal, prints a table once. Returns the exit status.
// Installs signal handlers while it runs.
int run_top(const TopWords& words);

}  // namespace fallow::cli
