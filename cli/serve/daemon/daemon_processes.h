// The processes that a daemon starts: each begins with nothing of the daemon's but what it needs.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "cli/serve/daemon/guest_board.h"
#include "cli/serve/daemon/serve_daemon.h"

namespace fallow::cli {

// Both: the new process's number, or -1 with errno. `log` is the writing end of a pipe that the daemon reads.
// The process dies with the daemon.

// The supervisor of a guest, with its workers. Its record, in the slot, is in use and names `socket`.
pid_t fork_guest(const DaemonPlan& plan, GuestBoard& board, std::size_t slot, int socket, int log);

// The process behind the control socket and the metrics.
pid_t fork_control(const DaemonPlan& plan, GuestBoard& board, int log);

}  // namespace fallow::cli
