// Lays out one frame of a live view: progress, a chart over time and bars, as far as they fit.
#pragma once

#include <string>
#include <vector>

#include "cli/term/chart.h"
#include "cli/term/history.h"
#include "cli/term/terminal.h"

namespace fallow::cli {

struct LiveBar {
  std::string name;
  double mib = 0;
  Layer layer = Layer::Nothing;  // Nothing: drawn like used memory, but without colour
};

struct LivePicture {
  std::string title;
  std::string progress;  // one line
  Nanoseconds end;       // the chart's right edge
  std::string legend;
  std::vector<LiveBar> bars;
  double scale_mib = 0;  // full width of a bar, unless a bar is longer
};

// Returns the width of a live view. The terminal's last column stays blank: a character there would be erased
// by the sequence that clears the rest of the line.
unsigned live_columns(const Terminal& terminal);

// Returns lines without line ends, at most as many as the terminal has rows. A pure function.
std::vector<std::string> lay_out(const LivePicture& picture, const History& history,
                                 const Terminal& terminal);

}  // namespace fallow::cli
