// A replay for machines: one JSON object.
#pragma once

#include <string>

#include "cli/replay/replay_diagnosis.h"

namespace fallow::cli {

// Indented by two, ends with a newline. The fields and their order are part of the interface
// (docs/replay.md); those about `linux` are null if nothing was compared.
std::string replay_json(const ReplayReport& report);

}  // namespace fallow::cli
