// A replay in words and in a table, for people.
#pragma once

#include <string>

#include "cli/replay/replay_diagnosis.h"
#include "cli/term/history.h"
#include "cli/term/terminal.h"

namespace fallow::cli {

// One line: the trace, and how it was replayed.
std::string summary_title(const replay::ReplayOptions& options);

// A few sentences: what was used and held, what was given back, what it cost, what `linux` would have done.
// One paragraph without line ends.
std::string summary_words(const ReplayReport& report);

// The figures in two columns, or three with what `linux` would have done; each line ends with a newline.
std::string summary_table(const ReplayReport& report);

// All of it, the picture and the notes with it, in lines that fit the terminal.
std::string summary(const ReplayReport& report, const History& history, const Terminal& terminal);

// Whether the report holds a comparison with `linux`; with `linux` itself there is nothing to compare.
bool compared_with_linux(const replay::ReplayOptions& options);

}  // namespace fallow::cli
