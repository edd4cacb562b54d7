// A replay for machines: one JSON object.
#pragma once

#include <string>

#include "apps/fallow/findings.h"

namespace fallow {

// Indented by two, ends with a newline. The fields and their order are part of the interface
// (docs/replay.md); those about `linux` are null if nothing was compared.
std::string replay_json(const ReplayReport& report);

}  // namespace fallow
