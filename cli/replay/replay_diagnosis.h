// Diagnoses a replay: faults, which make the command fail, warnings and notes.
#pragma once

#include <string>
#include <vector>

#include "replay/replay.h"

namespace fallow::cli {

// A replay that completed or was stopped.
struct ReplayReport {
  replay::ReplayOptions options;
  replay::ReplayResult result;
};

// Returns a sentence for each fault. Empty: success.
std::vector<std::string> faults_of(const ReplayReport& report);

// Returns sentences about problems that make the figures meaningless although nothing failed, such as a trace
// without frees.
std::vector<std::string> warnings_of(const ReplayReport& report);

// Returns sentences about limits of the figures, such as gaps in the trace or a zone that was too small.
std::vector<std::string> notes_of(const ReplayReport& report);

}  // namespace fallow::cli
