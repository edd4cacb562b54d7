// A supervisor process, which restarts its worker process when the worker dies.
//
// Both share one descriptor table (clone() with CLONE_FILES) and some memory. Descriptors that a worker
// opened or received stay open when it dies; the next worker finds their numbers in the shared memory. All
// other memory of a worker is private, so the corrupted state of a crash dies with the worker.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "cli/serve/log/serve_log.h"

namespace fallow::cli {

// The policy of a supervisor. Tests use shorter times.
struct SupervisorOptions {
  // A worker killed by SIGKILL is always replaced, because the cause is outside; after `deaths` within
  // `span_s`, with a delay of `wait_ms`. A worker that crashed is also replaced, but `crashes` within
  // `crash_span_s` are blamed on the guest, which is then no longer served.
  unsigned deaths = 5;
  unsigned span_s = 10;
  unsigned wait_ms = 1000;
  unsigned crashes = 2;
  unsigned crash_span_s = 60;
  unsigned drain_deaths = 3;  // deaths of workers while stopping, before giving up
};

// The function of a worker process; its result is the exit status. In a namespace, because the core also has
// a Worker.
namespace supervisor {
struct Worker {
  // Must call `started` when it begins to serve. If the first worker fails before that, it is not restarted,
  // because the next one would fail too.
  int (*run)(void* context, void (*started)()) noexcept;
  void* context;
};
}  // namespace supervisor

// Runs workers, one after the other, until one exits with 0 because its guest disconnected or it was told to
// stop. SIGTERM and SIGINT are forwarded as SIGTERM; a second one kills the worker. Returns 0, kExitFailed or
// kExitQuarantined. `fields` are added to each log line. The calling process must have no other thread. It
// survives every other signal except SIGKILL, because its guest would lose the balloon; job control stops it.
// SIGTERM, SIGINT, SIGHUP and SIGCHLD stay blocked, also in workers, and SIGPIPE is ignored. A worker dies
// with its supervisor.
int supervise(const supervisor::Worker& worker, const SupervisorOptions& options, ServeLog& log,
              const std::vector<LogField>& fields = {});

// Describes a status of waitpid(), for example "was killed by signal 9 (Killed)".
std::string describe_end(int status);

// Blocks the two signals that the C library reserves and omits from every signal set; unblocked, they would
// end the process. Only for processes without threads.
void block_library_signals() noexcept;

// Makes the calling process die with its parent `parent`. A later change of user cancels this. Returns false
// if the parent has already exited.
bool die_with_parent(pid_t parent) noexcept;

// For signal handlers of a worker: true if the supervisor sent the signal.
bool from_supervisor(const siginfo_t& info) noexcept;

}  // namespace fallow::cli
