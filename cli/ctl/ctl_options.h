// The words of `fallow ctl`: from what was typed to what is asked of the daemon.
#pragma once

#include <optional>
#include <string>

#include "cli/control/control_request.h"

namespace fallow::cli {

// As they were typed; nothing where a word was not given.
struct CtlWords {
  std::optional<std::string> control, action, guest, size;
  bool json = false;
};

// On failure returns nothing and sets `error` to a sentence that names the word and what would do.
std::optional<ControlRequest> interpret(const CtlWords& words, std::string* error);

}  // namespace fallow::cli
