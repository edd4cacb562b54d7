// The options of a verb that take an argument, as a table.
#pragma once

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <optional>
#include <string>

namespace fallow::cli {

// `word` receives the argument as typed; the last one counts if the option is given several times.
struct WordOption {
  const char* name;  // "--memory"
  std::optional<std::string>* word;
  const char* type;  // what --help shows for the argument: "SIZE"
  std::string help;
};

// Adds the options to a verb, in a group of its --help.
inline void add_options(CLI::App* verb, const char* group, std::initializer_list<WordOption> options) {
  for (const WordOption& option : options) {
    verb->add_option(option.name, *option.word, option.help)
        ->type_name(option.type)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group(group);
  }
}

}  // namespace fallow::cli
