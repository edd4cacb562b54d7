// One frame of the live view of a replay.
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
  bool compared = true;  // the samples include the model of `linux`
  double scanned = 0;    // before the first sample: the fraction of the trace that was read; < 0: unknown
  std::optional<replay::ReplaySample> sample;  // the last
};

// Returns progress, chart and bars as far as they fit: lines without line ends, at most as many as the
// terminal has rows. A pure function.
std::vector<std::string> live_frame(const LiveState& state, const History& history, const Terminal& terminal);

}  // namespace fallow::cli
