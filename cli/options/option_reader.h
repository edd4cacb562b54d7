// Reads the words that options of every verb are made of, and says what is wrong with them.
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

// Each function returns `otherwise` when the option was not given, and anything at all after a refusal.
class OptionReader : public OptionErrors {
 public:
  using OptionErrors::OptionErrors;

  std::uint32_t count(const char* option, const std::optional<std::string>& word, std::uint32_t otherwise,
                      std::uint32_t least, std::uint32_t most);

  // `example`: "500ms, 5s or 1m".
  std::optional<Nanoseconds> time(const char* option, const std::optional<std::string>& word,
                                  Nanoseconds least, Nanoseconds most, const char* example);

  // A file to write, or "-".
  void file(const char* option, const std::optional<std::string>& word);

  // A name out of a table; the refusal lists the table in its order.
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

// The name that a table of choices gives to a value; "?" if it is not there.
template <class Value>
const char* name_in(std::span<const std::pair<const char*, Value>> table, Value value) {
  for (const auto& [name, named] : table)
    if (named == value) return name;
  return "?";
}

}  // namespace fallow::cli
