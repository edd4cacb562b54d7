// Converts samples of a replay to points of the history from which charts are drawn.
#pragma once

#include "cli/term/format.h"
#include "cli/term/history.h"
#include "replay/replay.h"

namespace fallow::cli {

inline void add(History& history, const replay::ReplaySample& sample) {
  history.add(sample.time, {.used = to_mib(sample.used),
                            .resident = to_mib(sample.resident),
                            .linux = to_mib(sample.linux_resident)});
}

}  // namespace fallow::cli
