#include "cli/term/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

TerminalVariables variables_of_process() {
  std::string locale = variable("LC_ALL");
  if (locale.empty()) locale = variable("LC_CTYPE");
  if (locale.empty()) locale = variable("LANG");
  return {.term = variable("TERM"),
          .no_color = variable("NO_COLOR"),
          .columns = variable("COLUMNS"),
          .lines = variable("LINES"),
          .locale = locale};
}

// A fresh container has no locale, but usually a UTF-8 terminal; so only a locale that is set decides.
bool speaks_utf8(std::string locale) {
  if (locale.empty()) return true;
  std::transform(locale.begin(), locale.end(), locale.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
}

unsigned size_from(const std::string& variable_value, unsigned own, unsigned otherwise) {
  constexpr unsigned kMost = 10'000;
  const auto count = parse_count(variable_value);
  if (count && *count > 0 && *count <= kMost) return static_cast<unsigned>(*count);
  return own > 0 ? std::min(own, kMost) : otherwise;
}

}  // namespace

Terminal describe_terminal(bool is_terminal, const TerminalVariables& variables, unsigned columns,
                           unsigned rows) {
  Terminal terminal;
  terminal.live = is_terminal && !variables.term.empty() && variables.term != "dumb";
  terminal.colour = terminal.live && variables.no_color.empty();
  // The fonts of the Linux console have 256 or 512 characters; most lack the eighths of a block.
  terminal.unicode = speaks_utf8(variables.locale) && variables.term != "linux" && variables.term != "dumb";
  terminal.columns = size_from(variables.columns, columns, terminal.columns);
  terminal.rows = size_from(variables.lines, rows, terminal.rows);
  return terminal;
}

Terminal describe_terminal(int file) {
  const bool is_terminal = isatty(file) == 1;
  winsize size{};
  if (is_terminal && ioctl(file, TIOCGWINSZ, &size) != 0) size = {};
  return describe_terminal(is_terminal, variables_of_process(), size.ws_col, size.ws_row);
}

}  // namespace fallow::cli
