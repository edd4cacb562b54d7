// What a live view shows at one moment: progress, a chart over time, bars; as much of it as fits.
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
  Layer layer = Layer::Nothing;  // Nothing: the used memory's shape, without a colour
};

struct LivePicture {
  std::string title;
  std::string progress;  // one line
  Nanoseconds end;       // the chart's right edge
  std::string legend;
  std::vector<LiveBar> bars;
  double scale_mib = 0;  // a bar of this length or of the longest, whichever is longer, takes all the room
};

// Columns of a live view: the last of the terminal stays blank, as what clears the rest of a line would clear
// a character there.
unsigned live_columns(const Terminal& terminal);

// Never more lines than the terminal has rows, without line ends. A pure function.
std::vector<std::string> lay_out(const LivePicture& picture, const History& history,
                                 const Terminal& terminal);

}  // namespace fallow::cli
