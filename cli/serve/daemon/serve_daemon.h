// The daemon process: accepts front-ends and starts a supervisor, which starts a worker, for each guest. It
// reads no data from front-ends or guests, so they cannot attack it.
#pragma once

#include <signal.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/serve/log/serve_log.h"
#include "cli/serve/serve_options.h"
#include "cli/serve/serve_user.h"

namespace fallow::cli {

// The inputs of the daemon. Descriptors stay open until it exits.
struct DaemonPlan {
  const ServeRequest* request = nullptr;
  ServeLog* log = nullptr;
  std::vector<int> listeners;             // for guests
  std::vector<std::string> socket_paths;  // of the listeners
  int control = -1;                       // listener for `fallow ctl`, or -1
  int metrics = -1;                       // listener for Prometheus, or -1
  std::optional<UserIds> user;            // user of the guests' processes
  sigset_t signals_before{};              // signal mask of the command
  // For SIGHUP: reopens the log file, and reads the options again, into `request`.
  std::function<void()> hang_up;
};

// Blocks all signals that a daemon handles or ignores. Call before creating anything that must be removed at
// exit. Returns the previous mask.
sigset_t block_daemon_signals();

// Serves until SIGTERM or SIGINT. The workers then have `stop_ms` to return all requests of their guests.
// Returns the exit status. The calling process must have no other thread.
struct DaemonTimes {
  unsigned stop_ms = 3000;     // for the workers to end cleanly
  unsigned kill_ms = 1000;     // then for the kernel to end killed ones
  unsigned restart_ms = 1000;  // before a control process is restarted
};
int run_daemon(const DaemonPlan& plan, const DaemonTimes& times = {});

}  // namespace fallow::cli
