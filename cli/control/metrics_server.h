// Serves the daemon's metrics to Prometheus over HTTP at /metrics.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/control/guest_control.h"
#include "cli/control/process_metrics.h"
#include "cli/control/request_server.h"
#include "fallow/host/expected.h"

namespace fallow::cli {

// Answers GET and HEAD of /metrics with a snapshot of `desk` and the figures of `process`, unless that is
// null, and of / with a page that says where things are; one request a connection. Every client that can
// connect may read. `listening_fd` is a listening socket. The caller keeps ownership; the function makes it
// non-blocking. `sockets` holds the paths of the daemon's sockets in the order of ServerOptions::listeners.
Expected<RequestServer> serve_metrics(int listening_fd, std::shared_ptr<GuestControl> desk,
                                      std::vector<std::string> sockets = {},
                                      std::shared_ptr<const ProcessMetrics> process = nullptr);

}  // namespace fallow::cli
