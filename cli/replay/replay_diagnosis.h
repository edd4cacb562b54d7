// What a replay found that its user has to know: faults, for which the command fails, and notes.
#pragma once

#include <string>
#include <vector>

#include "replay/replay.h"

namespace fallow::cli {

// A replay that has come to its end, or was stopped.
struct ReplayReport {
  replay::ReplayOptions options;
  replay::ReplayResult result;
};

// Sentences, each about something that must not happen. Empty: all is well.
std::vector<std::string> faults_of(const ReplayReport& report);

// Sentences about what makes the figures meaningless, although nothing failed: the trace has no frees, say.
std::vector<std::string> warnings_of(const ReplayReport& report);

// Sentences about what limits the figures: the trace's gaps, a zone that was too small.
std::vector<std::string> notes_of(const ReplayReport& report);

}  // namespace fallow::cli
