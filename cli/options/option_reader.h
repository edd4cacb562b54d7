// Parses the kinds of option arguments that the verbs share, and reports errors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/options/option_errors.h"
#include "fallow/base/units.h"

namespace fallow::cli {

// "one", "one or two", "one, two or three".
std::string either(const std::vector<std::string>& names);

// Each function returns `otherwise` if the option was not given. After an error the result is unspecified.
class OptionReader : public OptionErrors {
 public:
  using OptionErrors::OptionErrors;

  std::uint32_t count(const char* option, const std::optional<std::string>& word, std::uint32_t otherwise,
                      std::uint32_t least, std::uint32_t most);

  // `example`: "500ms, 5s or 1m".
  std::optional<Nanoseconds> time(const char* option, const std::optional<std::string>& word,
                                  Nanoseconds least, Nanoseconds most, const char* example);

  // Accepts a file to write, or "-" for standard output.
  void file(const char* option, const std::optional<std::string>& word);

  // Parses a name from a table; the error lists the names in the order of the table.
  template <class Value>
  Value choice(const char* option, const std::optional<std::string>& word,
               std::span<const std::pair<const char*, Value>> table, Value otherwise) {
    if (!word) return otherwise;
    std::vector<std::string> names;
    for (const auto& [name, value] : table) {
      if (*word == name) return value;
      names.emplace_back(name);
    }
    refuse(option, *word, either(names));
    return otherwise;
  }
};

// Returns the name of a value in a table of choices, or "?".
template <class Value>
const char* name_in(std::span<const std::pair<const char*, Value>> table, Value value) {
  for (const auto& [name, named] : table)
    if (named == value) return name;
  return "?";
}

}  // namespace fallow::cli
