// Starts the processes of a daemon. Each process keeps only the descriptors and memory that it needs.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "cli/serve/daemon/guest_board.h"
#include "cli/serve/daemon/serve_daemon.h"

namespace fallow::cli {

// Both functions return the process ID, or -1 with errno set. `log` is the write end of a pipe that the
// daemon reads. The process dies with the daemon.

// Forks the supervisor of a guest, which starts its workers. The record in the slot is in use and names
// `socket`.
pid_t fork_guest(const DaemonPlan& plan, GuestBoard& board, std::size_t slot, int socket, int log);

// Forks the control process.
pid_t fork_control(const DaemonPlan& plan, GuestBoard& board, int log);

}  // namespace fallow::cli
