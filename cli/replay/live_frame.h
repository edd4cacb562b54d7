// What the live view shows at one moment, as lines of text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/term/history.h"
#include "cli/term/terminal.h"
#include "replay/replay.h"

namespace fallow::cli {

struct LiveState {
  std::string title;
  bool compared = true;  // the samples say what `linux` would hold
  double scanned = 0;    // before the first sample: the part of the trace that was read; < 0 unknown
  std::optional<replay::ReplaySample> sample;  // the last
};

// Never more lines than the terminal has rows, without line ends: what fits of progress, chart and bars. A
// pure function.
std::vector<std::string> live_frame(const LiveState& state, const History& history, const Terminal& terminal);

}  // namespace fallow::cli
