// The daemon's metrics, served over HTTP to Prometheus at /metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/control/guest_control.h"
#include "cli/control/request_server.h"
#include "fallow/host/expected.h"

namespace fallow::cli {

// Answers GET and HEAD of /metrics, one request a connection, with a snapshot of `desk`; whoever can connect
// to `listening_fd` can read it. That socket, which is bound and listens, stays the caller's, and is set not
// to block. `sockets`: the paths of the daemon's sockets in the order of ServerOptions::listeners.
Expected<RequestServer> serve_metrics(int listening_fd, std::shared_ptr<GuestControl> desk,
                                      std::vector<std::string> sockets = {});

}  // namespace fallow::cli
