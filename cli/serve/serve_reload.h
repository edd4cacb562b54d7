// The changed options that a running daemon takes over.
#pragma once

#include <string>
#include <vector>

#include "cli/serve/serve_options.h"

namespace fallow::cli {

// Takes into `now` those of the `wanted` options that may change while the daemon runs: the device's options
// and the limits, which count for guests that connect from then on, and the log level. Returns the names of
// the options that differ otherwise, and need a new start.
std::vector<std::string> take_over(const ServeRequest& wanted, ServeRequest* now);

}  // namespace fallow::cli
