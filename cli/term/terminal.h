// What may be written to an output: its size, whether it is a terminal, colours, characters beyond ASCII.
#pragma once

#include <string>

namespace fallow::cli {

struct Terminal {
  bool live = false;     // a terminal that can move its cursor: what was drawn can be drawn over
  bool colour = false;   // the terminal, and its user, want colour
  bool unicode = false;  // blocks such as U+2588 show as what they are
  unsigned columns = 80;
  unsigned rows = 24;
};

// The environment variables that describe a terminal; empty as good as not set.
struct TerminalVariables {
  std::string term, no_color, columns, lines;
  std::string locale;  // the first that is set of LC_ALL, LC_CTYPE and LANG
};

// `columns` and `rows` are what the terminal says of itself, 0 if it does not; the variables COLUMNS and
// LINES go first, as with other programs.
Terminal describe_terminal(bool is_terminal, const TerminalVariables& variables, unsigned columns,
                           unsigned rows);

// Asks the operating system about an open file. Costs two system calls.
Terminal describe_terminal(int file);

}  // namespace fallow::cli
