// The daemon: accepts front-ends, and starts a supervisor, with a worker, for each guest. It reads nothing
// that a front-end or a guest sends, so nothing that they do reaches it.
#pragma once

#include <signal.h>

#include <optional>
#include <string>
#include <vector>

#include "cli/serve/log/log_file.h"
#include "cli/serve/log/serve_log.h"
#include "cli/serve/serve_options.h"
#include "cli/serve/serve_user.h"

namespace fallow::cli {

// All that is opened before the daemon serves, and stays open.
struct DaemonPlan {
  const ServeRequest* request = nullptr;
  ServeLog* log = nullptr;
  LogFile* log_file = nullptr;
  std::vector<int> listeners;             // of guests
  std::vector<std::string> socket_paths;  // theirs
  int control = -1;                       // listens for `fallow ctl`; -1: nothing does
  int metrics = -1;                       // listens for Prometheus; -1: nothing does
  std::optional<UserIds> user;            // who the guests' processes are
  sigset_t signals_before{};              // the signal mask of the command
};

// Blocks all signals that a daemon takes or ignores, before anything is there that it would leave behind. The
// mask as it was.
sigset_t block_daemon_signals();

// Serves until SIGTERM or SIGINT: then the guests' workers hand back what they owe, within `stop_ms`. Returns
// the exit status. The calling process must have no other thread.
struct DaemonTimes {
  unsigned stop_ms = 3000;     // for the workers to end in order
  unsigned kill_ms = 1000;     // and for the kernel to end those that did not
  unsigned restart_ms = 1000;  // between two control processes
};
int run_daemon(const DaemonPlan& plan, const DaemonTimes& times = {});

}  // namespace fallow::cli
