// Two processes: a worker that does the work, and a supervisor that starts another one when it dies.
//
// Both share one table of descriptors (clone() with CLONE_FILES), and a piece of memory. Whatever the worker
// opened or received stays open when it dies, and the next one finds it by the numbers in the shared memory.
// Nothing else passes between them: the worker has memory of its own, so what killed it is gone with it.
#pragma once

#include <signal.h>

#include "apps/fallow/serve_log.h"

namespace fallow {

// What a supervisor does, and when: for the log, and for tests with short times.
struct SupervisorOptions {
  unsigned deaths = 5;        // that many within `span_s`: wait before the next start
  unsigned span_s = 10;       // s
  unsigned wait_ms = 1000;    // that long
  unsigned drain_deaths = 3;  // deaths of workers that were told to stop, before giving up
  void (*reopen)(void* context) noexcept = nullptr;  // at SIGHUP
  void* context = nullptr;
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

// Runs workers, one after the other, until one ends with 0 after SIGTERM or SIGINT, which are passed on as
// SIGTERM; a second of them kills it. Returns the exit status for the command. The calling process must have
// no other thread. It survives every other signal but SIGKILL, as guests lose their balloon with it; those of
// job control stop it. SIGTERM, SIGINT, SIGHUP and SIGCHLD are blocked from here on, in the worker too, and
// SIGPIPE is ignored. A worker dies with its supervisor.
int supervise(const supervisor::Worker& worker, const SupervisorOptions& options, ServeLog& log);

// For the worker: dies with the supervisor, from now on. To be repeated after a change of user, which undoes
// it. False: the supervisor is gone already.
bool die_with_supervisor() noexcept;

// For the worker's signal handlers: whether the supervisor sent it.
bool from_supervisor(const siginfo_t& info) noexcept;

}  // namespace fallow
