#include "cli/reference/man_page.h"

#include <fmt/format.h>

#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include "cli/reference/option_list.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

constexpr std::size_t kColumns = 79;
constexpr std::string_view kOptionsLine = ".\\\" OPTIONS", kDetailsLine = ".\\\" DETAILS ",
                           kEndLine = ".\\\" END";

using Details = std::map<std::string, std::string>;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// A hyphen that begins a word belongs to an option, and must not become a typographic one.
std::string escaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool of_option =
        text[i] == '-' && (i == 0 || !std::isalnum(static_cast<unsigned char>(text[i - 1])));
    if (text[i] == '\\')
      result += "\\e";
    else if (of_option)
      result += "\\-";
    else
      result += text[i];
  }
  return result;
}

// One sentence a line, as mdoc wants it; a line that begins like a macro is protected.
std::string paragraph(const std::string& text) {
  std::string result;
  const auto add = [&result](std::string_view sentence) {
    for (const std::string& line : lines_of(wrap(escaped(sentence), kColumns))) {
      if (line.starts_with('.') || line.starts_with('\'')) result += "\\&";
      result += line + "\n";
    }
  };
  std::size_t begin = 0;
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] != '.' || text[i + 1] != ' ' || std::isupper(static_cast<unsigned char>(text[i + 2])) == 0)
      continue;
    add(std::string_view(text).substr(begin, i + 1 - begin));
    begin = i + 2;
  }
  std::string last = text.substr(begin);
  if (!last.empty() && last.back() != '.' && last.back() != ':') last += '.';
  add(last);
  return result;
}

// "name  text": a choice and what it means. Nothing: the line is of another kind.
std::optional<std::pair<std::string, std::string>> choice_of(const std::string& line) {
  const std::size_t gap = line.find("  ");
  if (gap == std::string::npos || gap == 0 || line.find(' ') != gap) return {};
  return std::pair(line.substr(0, gap), line.substr(line.find_first_not_of(' ', gap)));
}

// The lines of a description: text, tables of choices and their continuation lines, which are indented.
std::string description(const std::string& text) {
  std::string result, pending;
  bool in_table = false;
  const auto flush = [&] {
    if (!pending.empty()) result += paragraph(pending);
    pending.clear();
  };
  for (const std::string& line : lines_of(text)) {
    const auto choice = choice_of(line);
    if (choice) {
      flush();
      if (!in_table) result += ".Bl -tag -width Ds -compact\n";
      in_table = true;
      result += ".It Cm " + escaped(choice->first) + "\n";
      pending = choice->second;
      continue;
    }
    const std::size_t first = std::min(line.find_first_not_of(' '), line.size());
    if (in_table && first == 0) {
      flush();
      result += ".El\n";
      in_table = false;
    }
    pending += (pending.empty() ? "" : " ") + line.substr(first);
  }
  flush();
  if (in_table) result += ".El\n";
  return result;
}

std::string argument(const ListedOption& option) {
  std::string result, last;
  for (const std::string& word : alternatives(option.argument)) {
    const bool placeholder = std::isupper(static_cast<unsigned char>(word.front())) != 0;
    const char* macro = placeholder ? "Ar" : "Cm";
    if (!result.empty()) result += " |";
    if (macro != last) result += fmt::format(" {}", macro);
    last = macro;
    result += " " + escaped(word);
  }
  return result;
}

std::string item(const ListedOption& option, const Details& details) {
  std::string result = ".It ";
  if (option.operand) {
    result += "Ar " + option.long_name;
  } else {
    if (!option.short_name.empty()) result += fmt::format("Fl {} , ", option.short_name);
    result += "Fl \\-" + option.long_name + argument(option);
  }
  result += "\n" + description(option.description);
  const auto more = details.find(option.long_name);
  return more == details.end() ? result : result + more->second;
}

std::string options(const CLI::App& command, const Details& details) {
  std::string result;
  const auto groups = option_groups(command);
  for (const OptionGroup& group : groups) {
    if (groups.size() > 1) result += ".Ss " + group.title + "\n";
    result += ".Bl -tag -width Ds\n";
    for (const ListedOption& option : group.options) result += item(option, details);
    result += ".El\n";
  }
  return result;
}

bool is_listed(const CLI::App& command, const std::string& name) {
  for (const OptionGroup& group : option_groups(command))
    for (const ListedOption& option : group.options)
      if (option.long_name == name) return true;
  return false;
}

}  // namespace

std::optional<std::string> fill_man_page(const std::string& page, const CLI::App& command,
                                         std::string* error) {
  std::vector<std::string> kept;
  Details details;
  std::string* current = nullptr;
  for (const std::string& line : lines_of(page)) {
    if (line.starts_with(kDetailsLine)) {
      const std::string name = line.substr(kDetailsLine.size());
      if (!is_listed(command, name)) {
        *error = fmt::format("'{}': '{}' has no such option", line, command.get_name());
        return {};
      }
      current = &details[name];
    } else if (line == kEndLine) {
      current = nullptr;
    } else if (current != nullptr) {
      *current += line + "\n";
    } else {
      kept.push_back(line);
    }
  }
  std::string result;
  bool filled = false;
  for (const std::string& line : kept) {
    filled = filled || line == kOptionsLine;
    result += line == kOptionsLine ? options(command, details) : line + "\n";
  }
  if (filled && current == nullptr) return result;
  *error =
      fmt::format("expected a line '{}', and '{}' after each '{}'", kOptionsLine, kEndLine, kDetailsLine);
  return {};
}

}  // namespace fallow::cli
