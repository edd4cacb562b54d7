// What the worker of a guest does: serves it, with no more rights than that takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/serve/daemon/guest_board.h"
#include "cli/serve/log/serve_log.h"
#include "cli/serve/serve_options.h"

namespace fallow::cli {

// All that the workers of a guest start from, made by their supervisor before the first.
struct GuestWorkerPlan {
  const ServeRequest* request = nullptr;
  ServeLog* log = nullptr;
  GuestSlot* slot = nullptr;              // begun: its record is in use
  int bell = -1;                          // the slot's
  std::vector<std::string> socket_paths;  // of the daemon
  std::vector<int> keep;                  // other descriptors that are in use
};

// For supervisor::Worker::run; `plan` is a GuestWorkerPlan. Serves until the guest is gone, or SIGTERM.
int run_guest_worker(void* plan, void (*started)()) noexcept;

}  // namespace fallow::cli
