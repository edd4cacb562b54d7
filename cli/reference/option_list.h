// The options of a command, read from CLI11's model: what manual pages and completions are made from.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

namespace fallow::cli {

struct ListedOption {
  std::string long_name;             // "memory"; of an operand its name: "TRACE"
  std::string short_name;            // "q"; empty: none
  std::string argument;              // "SIZE", "pc|q35|microvm"; empty: a flag
  std::string description;           // the lines of --help
  std::vector<std::string> choices;  // the words of `argument` that are typed as they are
  bool operand = false;
  bool takes_file = false;  // the argument is a path
};

struct OptionGroup {
  std::string title;
  std::vector<ListedOption> options;
};

// In the order of --help. Operands form the first group if there are any.
std::vector<OptionGroup> option_groups(const CLI::App& command);

// The names and descriptions of the verbs, in the order of --help.
std::vector<const CLI::App*> verbs_of(const CLI::App& app);

// The parts of "a|b|C".
std::vector<std::string> alternatives(const std::string& argument);

}  // namespace fallow::cli
