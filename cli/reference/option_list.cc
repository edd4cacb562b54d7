#include "cli/reference/option_list.h"

#include <algorithm>
#include <cctype>

namespace fallow::cli {
namespace {

ListedOption listed(const CLI::Option& option) {
  ListedOption result;
  result.operand = option.get_positional();
  result.long_name = result.operand ? option.get_name(true)
                                    : (option.get_lnames().empty() ? "" : option.get_lnames().front());
  if (!option.get_snames().empty()) result.short_name = option.get_snames().front();
  // CLI11 gives "TEXT" to an option without a type name of its own.
  if (option.get_items_expected_max() > 0 && option.get_type_name() != "TEXT")
    result.argument = option.get_type_name();
  result.description = option.get_description();
  for (const std::string& word : alternatives(result.argument)) {
    if (word == "FILE" || word == "PATH") result.takes_file = true;
    // "aged[:TIME]" is completed as "aged".
    if (std::islower(static_cast<unsigned char>(word.front())) != 0)
      result.choices.push_back(word.substr(0, word.find('[')));
  }
  return result;
}

}  // namespace

std::vector<std::string> alternatives(const std::string& argument) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < argument.size();) {
    const std::size_t end = std::min(argument.find('|', begin), argument.size());
    if (end > begin) words.push_back(argument.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

std::vector<OptionGroup> option_groups(const CLI::App& command) {
  std::vector<OptionGroup> groups;
  OptionGroup operands{.title = "Operands", .options = {}};
  for (const std::string& title : command.get_groups()) {
    OptionGroup group{.title = title, .options = {}};
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_group() != title) continue;
      (option->get_positional() ? operands : group).options.push_back(listed(*option));
    }
    if (!group.options.empty()) groups.push_back(std::move(group));
  }
  if (!operands.options.empty()) groups.insert(groups.begin(), std::move(operands));
  return groups;
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

}  // namespace fallow::cli
