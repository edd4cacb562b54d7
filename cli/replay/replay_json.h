// The results of a replay for programs: one JSON object.
#pragma once

#include <string>

#include "cli/replay/replay_diagnosis.h"

namespace fallow::cli {

// Returns an object indented by two, with a final newline. The fields and their order are part of the
// interface (docs/replay.md). The fields about `linux` are null if nothing was compared.
std::string replay_json(const ReplayReport& report);

}  // namespace fallow::cli
