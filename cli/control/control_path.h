// Where `ctl` and `top` look for a daemon's control socket when nobody says where it is.
#pragma once

#include <string>

namespace fallow::cli {

// $FALLOW_CONTROL, or /run/fallow/control, where the systemd unit has it.
std::string default_control_path();

}  // namespace fallow::cli
