// The properties of an output: whether it is a terminal, its size, colours and characters beyond ASCII.
#pragma once

#include <string>

namespace fallow::cli {

struct Terminal {
  bool live = false;     // a terminal that can move its cursor, for redrawing in place
  bool colour = false;   // the terminal supports colour and the user did not disable it
  bool unicode = false;  // characters such as U+2588 are displayed
  unsigned columns = 80;
  unsigned rows = 24;
};

// The environment variables that describe a terminal. Empty means not set.
struct TerminalVariables {
  std::string term, no_color, columns, lines;
  std::string locale;  // the first of LC_ALL, LC_CTYPE and LANG that is set
};

// `columns` and `rows` come from the terminal, 0 if unknown. The variables COLUMNS and LINES take precedence,
// as in other programs.
Terminal describe_terminal(bool is_terminal, const TerminalVariables& variables, unsigned columns,
                           unsigned rows);

// Queries the operating system about an open file. Costs two system calls.
Terminal describe_terminal(int file);

}  // namespace fallow::cli
