// Two processes: a worker that does the work, and a supervisor that starts another one when it dies.
//
// Both share one table of descriptors (clone() with CLONE_FILES), and a piece of memory. Whatever the worker
// opened or received stays open when it dies, and the next one finds it by the numbers in the shared memory.
// Nothing else passes between them: the worker has memory of its own, so what killed it is gone with it.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "cli/serve/log/serve_log.h"

namespace fallow::cli {

// What a supervisor does, and when: for tests with short times.
struct SupervisorOptions {
  // A worker that was killed (SIGKILL) is replaced, since somebody else did it: after `deaths` within
  // `span_s`, `wait_ms` later. One that died of what it did is replaced too, but `crashes` of these within
  // `crash_span_s` are the guest's doing, and it is not served any more.
  unsigned deaths = 5;
  unsigned span_s = 10;
  unsigned wait_ms = 1000;
  unsigned crashes = 2;
  unsigned crash_span_s = 60;
  unsigned drain_deaths = 3;  // of workers that were told to stop, before giving up
};

// What a worker's process runs; its result is the process's exit status. In a namespace, as the core's port
// has a worker too.
namespace supervisor {
struct Worker {
  // `started`: to be called when it begins to serve. A first worker that ends before, with a status other
  // than 0, is not started again: that would fail too.
  int (*run)(void* context, void (*started)()) noexcept;
  void* context;
};
}  // namespace supervisor

// Runs workers, one after the other, until one ends with 0: its guest is gone, or SIGTERM or SIGINT came,
// which are passed on as SIGTERM; a second of them kills it. Returns 0, or kExitFailed or kExitQuarantined.
// `fields` go into each line of the log. The calling process must have no other thread. It survives every
// other signal but SIGKILL, as guests lose their balloon with it; those of job control stop it. SIGTERM,
// SIGINT, SIGHUP and SIGCHLD are blocked from here on, in the worker too, and SIGPIPE is ignored. A worker
// dies with its supervisor.
int supervise(const supervisor::Worker& worker, const SupervisorOptions& options, ServeLog& log,
              const std::vector<LogField>& fields = {});

// "was killed by signal 9 (Killed)", of a status of waitpid().
std::string describe_end(int status);

// The C library keeps two signals to itself, and leaves them out of every set; they end a process like any
// other. Blocks them, for good: for a process without threads.
void block_librarys_signals() noexcept;

// The calling process dies with its parent, which `parent` is, from now on. A change of user undoes it.
// False: the parent is gone already.
bool die_with_parent(pid_t parent) noexcept;

// For the worker's signal handlers: whether the supervisor sent it.
bool from_supervisor(const siginfo_t& info) noexcept;

}  // namespace fallow::cli
