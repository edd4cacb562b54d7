#include "cli/serve/daemon/daemon_processes.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "cli/serve/daemon/control_process.h"
#include "cli/serve/daemon/guest_worker.h"
#include "cli/serve/daemon/serve_supervisor.h"
#include "cli/term/exit_status.h"
#include "vhost_user/protocol/close_others.h"

namespace fallow::cli {
namespace {

// Sets the signal mask and the user of the new process. Exits on failure.
void become_child(const DaemonPlan& plan, ServeLog& log, pid_t daemon) {
  sigprocmask(SIG_SETMASK, &plan.signals_before, nullptr);
  if (plan.user) {
    if (const std::string error = become_user(*plan.user); !error.empty()) {
      log.write(LogLevel::Error, "failed", "--user: " + error);
      _exit(kExitFailed);
    }
  }
  // Must follow the change of user, which clears the death signal.
  if (!die_with_parent(daemon)) _exit(kExitFailed);
}

[[noreturn]] void run_supervisor(const DaemonPlan& plan, GuestBoard& board, std::size_t slot, int socket,
                                 int log, pid_t daemon) {
  prctl(PR_SET_NAME, "fallow-guest");
  const int event_fd = board.event_fd(slot);
  GuestSlot& shared = board.slot(slot);
  board.keep_only(slot);
  vhost::close_others({socket, log, event_fd});
  ServeLog own_log(log, plan.request->log_format, plan.request->log_level);
  const LogField guest{"guest", shared.record.number};
  become_child(plan, own_log, daemon);
  GuestWorkerPlan worker{plan.request, &own_log, &shared, event_fd, plan.socket_paths, {log}};
  _exit(supervise({run_guest_worker, &worker}, {}, own_log, {guest}));
}

[[noreturn]] void run_control(const DaemonPlan& plan, GuestBoard& board, int log, pid_t daemon) {
  prctl(PR_SET_NAME, "fallow-control");
  std::vector<int> keep = board.event_fds();
  for (const int fd : {log, plan.control, plan.metrics}) keep.push_back(fd);
  vhost::close_others(keep);
  ServeLog own_log(log, plan.request->log_format, plan.request->log_level);
  become_child(plan, own_log, daemon);
  _exit(run_control_process({plan.request, &own_log, &board, plan.socket_paths, plan.control, plan.metrics}));
}

}  // namespace

pid_t fork_guest(const DaemonPlan& plan, GuestBoard& board, std::size_t slot, int socket, int log) {
  const pid_t daemon = getpid(), child = fork();
  if (child == 0) run_supervisor(plan, board, slot, socket, log, daemon);
  return child;
}

pid_t fork_control(const DaemonPlan& plan, GuestBoard& board, int log) {
  const pid_t daemon = getpid(), child = fork();
  if (child == 0) run_control(plan, board, log, daemon);
  return child;
}

}  // namespace fallow::cli
