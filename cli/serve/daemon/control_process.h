// The control process, which serves the control socket and the metrics. It accesses the guests only through
// the board.
#pragma once

#include <string>
#include <vector>

#include "cli/serve/daemon/guest_board.h"
#include "cli/serve/log/serve_log.h"
#include "cli/serve/serve_options.h"

namespace fallow::cli {

struct ControlPlan {
  const ServeRequest* request = nullptr;
  ServeLog* log = nullptr;
  GuestBoard* board = nullptr;
  std::vector<std::string> socket_paths;
  int control = -1, metrics = -1;
};

// Serves until a signal ends the process. Returns the exit status of a failure.
int run_control_process(const ControlPlan& plan) noexcept;

}  // namespace fallow::cli
