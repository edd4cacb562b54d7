// Summarises a replay in words and in a table.
#pragma once

#include <string>

#include "cli/replay/replay_diagnosis.h"
#include "cli/term/history.h"
#include "cli/term/terminal.h"

namespace fallow::cli {

// Returns one line with the trace and the settings of the replay.
std::string summary_title(const replay::ReplayOptions& options);

// Returns a paragraph without line ends: memory used and held, memory returned, the cost, and the comparison
// with `linux`.
std::string summary_words(const ReplayReport& report);

// Returns the figures in two columns, or in three with those of `linux`; each line ends with a newline.
std::string summary_table(const ReplayReport& report);

// Returns the whole summary, with the chart and the notes, in lines that fit the terminal.
std::string summary(const ReplayReport& report, const History& history, const Terminal& terminal);

// Returns whether the report compares with `linux`. A replay with policy `linux` itself does not.
bool compared_with_linux(const replay::ReplayOptions& options);

}  // namespace fallow::cli
