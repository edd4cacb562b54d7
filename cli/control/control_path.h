// The default control socket of `ctl` and `top`.
#pragma once

#include <string>

namespace fallow::cli {

// Returns $FALLOW_CONTROL, or else /run/fallow/control, the path in the systemd unit.
std::string default_control_path();

}  // namespace fallow::cli
