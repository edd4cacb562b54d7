// The arguments of `fallow ctl`: converts them to a request to the daemon.
#pragma once

#include <optional>
#include <string>

#include "cli/control/control_request.h"

namespace fallow::cli {

// The arguments as typed; nothing for an argument that was not given.
struct CtlWords {
  std::optional<std::string> control, action, guest, size;
  bool json = false;
};

// On failure returns nothing and sets `error` to a sentence that names the argument and the expected values.
std::optional<ControlRequest> interpret(const CtlWords& words, std::string* error);

}  // namespace fallow::cli
