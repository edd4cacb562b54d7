// The worker process of a guest. Serves the guest in a sandbox with the least rights.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/serve/daemon/guest_board.h"
#include "cli/serve/log/serve_log.h"
#include "cli/serve/serve_options.h"

namespace fallow::cli {

// The inputs of every worker of a guest. The supervisor creates them before the first worker.
struct GuestWorkerPlan {
  const ServeRequest* request = nullptr;
  ServeLog* log = nullptr;
  GuestSlot* slot = nullptr;              // its record is in use
  int event_fd = -1;                      // of the slot
  std::vector<std::string> socket_paths;  // all sockets of the daemon
  std::vector<int> keep;                  // other descriptors to keep open
};

// A function for supervisor::Worker::run; `plan` is a GuestWorkerPlan. Serves until the guest disconnects or
// SIGTERM.
int run_guest_worker(void* plan, void (*started)()) noexcept;

}  // namespace fallow::cli
