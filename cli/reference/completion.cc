#include "cli/reference/completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "cli/reference/option_list.h"

namespace fallow::cli {
namespace {

std::vector<ListedOption> all_options(const CLI::App& command) {
  std::vector<ListedOption> all;
  for (const OptionGroup& group : option_groups(command))
    all.insert(all.end(), group.options.begin(), group.options.end());
  return all;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string names_of(const std::vector<ListedOption>& options) {
  std::string names;
  for (const ListedOption& option : options) {
    if (option.operand) continue;
    if (!option.short_name.empty()) names += fmt::format("-{} ", option.short_name);
    names += fmt::format("--{} ", option.long_name);
  }
  if (!names.empty()) names.pop_back();
  return names;
}

// Sets what a word is completed with.
std::string bash_words(const std::vector<std::string>& words, bool files) {
  return fmt::format("words='{}' files={}", joined(words), files ? "1" : "");
}

// The cases of the word before the completed one: an option that takes an argument.
std::string bash_arguments(const std::vector<ListedOption>& options) {
  std::string cases;
  for (const ListedOption& option : options)
    if (!option.operand && !option.argument.empty())
      cases += fmt::format("        --{}) only=1 {} ;;\n", option.long_name,
                           bash_words(option.choices, option.takes_file));
  return cases;
}

std::string bash_verb(const CLI::App& verb) {
  const auto options = all_options(verb);
  std::vector<std::string> operands;
  bool files = false;
  for (const ListedOption& option : options) {
    if (!option.operand) continue;
    operands.insert(operands.end(), option.choices.begin(), option.choices.end());
    files = files || option.takes_file;
  }
  return fmt::format("    {})\n      names='{}' {}\n      case \"$before\" in\n{}      esac\n      ;;\n",
                     verb.get_name(), names_of(options), bash_words(operands, files),
                     bash_arguments(options));
}

// The first sentence of a description, without its full stop and without tables of choices.
std::string headline(const std::string& description) {
  std::string text;
  std::istringstream lines(description);
  for (std::string line; std::getline(lines, line) && line.find("  ") == std::string::npos;)
    text += (text.empty() ? "" : " ") + line;
  text = text.substr(0, std::min(text.find(". "), text.find(" Default: ")));
  while (text.ends_with('.') || text.ends_with(':')) text.pop_back();
  return text;
}

// Text within the quotes and brackets of an argument of _arguments.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\'')
      result += "'\\''";
    else if (c == '[' || c == ']' || c == ':')
      result += std::string("\\") + c;
    else
      result += c;
  }
  return result;
}

std::string zsh_argument(const ListedOption& option) {
  if (option.argument.empty()) return "";
  std::string action = " ";
  if (option.takes_file)
    action = "_files";
  else if (!option.choices.empty())
    action = "(" + joined(option.choices) + ")";
  return fmt::format(":{}:{}", zsh_text(option.argument), action);
}

std::string zsh_options(const std::vector<ListedOption>& options, const char* indent) {
  std::string text;
  int operand = 0;
  for (const ListedOption& option : options) {
    if (option.operand) {
      const std::string argument = zsh_argument(option);
      text += fmt::format(" \\\n{}'{}:{}{}'", indent, ++operand, option.long_name,
                          argument.empty() ? ": " : argument.substr(argument.rfind(':')));
      continue;
    }
    const std::string description = zsh_text(headline(option.description));
    if (!option.short_name.empty())
      text += fmt::format(" \\\n{}'-{}[{}]'", indent, option.short_name, description);
    text += fmt::format(" \\\n{}'--{}[{}]{}'", indent, option.long_name, description, zsh_argument(option));
  }
  return text;
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::vector<std::string> verbs;
  std::string cases;
  for (const CLI::App* verb : verbs_of(app)) {
    verbs.push_back(verb->get_name());
    cases += bash_verb(*verb);
  }
  return fmt::format(
      R"(# bash completion for fallow(1). Generated from the program's options.
_fallow() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local verb= names= words= files= only= i
  # COMP_WORDBREAKS makes "=" a word of its own in --option=value.
  if [[ $before == = ]]; then before=${{COMP_WORDS[COMP_CWORD-2]}}; fi
  if [[ $current == = ]]; then current=; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      -*) ;;
      *) verb=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  case "$verb" in
    '') names='{}'; words='{}' ;;
{}  esac
  COMPREPLY=()
  if [[ $current == -* && -z $only ]]; then words=$names files=; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ -n $files ]]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}}
complete -o filenames -F _fallow fallow
)",
      names_of(all_options(app)), joined(verbs), cases);
}

std::string zsh_completion(const CLI::App& app) {
  std::string verbs, cases;
  for (const CLI::App* verb : verbs_of(app)) {
    verbs += fmt::format("    '{}:{}'\n", verb->get_name(), zsh_text(headline(verb->get_description())));
    cases += fmt::format("    {})\n      _arguments -s{}\n      ;;\n", verb->get_name(),
                         zsh_options(all_options(*verb), "        "));
  }
  return fmt::format(
      R"(#compdef fallow
# zsh completion for fallow(1). Generated from the program's options.
_fallow() {{
  local context state state_descr line
  typeset -A opt_args
  local -a verbs=(
{}  )
  _arguments -C{} \
    '1:verb:->verb' \
    '*::argument:->argument'
  case $state in
    verb) _describe verb verbs; return ;;
    argument) ;;
    *) return ;;
  esac
  case $line[1] in
{}  esac
}}
_fallow "$@"
)",
      verbs, zsh_options(all_options(app), "    "), cases);
}

}  // namespace fallow::cli
