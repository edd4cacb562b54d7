// The server of a daemon's control socket, for `fallow ctl` and `fallow top`. Requests and answers are one
// JSON object a line.
//
//   {"command":"list"}                                  {"ok":true,"guests":[{"guest":1,...}]}
//   {"command":"statistics","guest":1}                  the same, of one guest
//   {"command":"target","guest":1,"size":67108864}      {"ok":true}
//   {"command":"pause","guest":9}, "resume"             {"ok":false,"error":"there is no guest 9; ..."}
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/control/guest_control.h"
#include "cli/control/request_server.h"
#include "fallow/host/expected.h"

namespace fallow::cli {

// `listening_fd` is a listening stream socket. The caller keeps ownership; the function makes it
// non-blocking. Every client that can connect may read; only root and this process's user may change guests.
// `sockets` holds the paths of the daemon's sockets in the order of ServerOptions::listeners, for the
// answers.
Expected<RequestServer> serve_control(int listening_fd, std::shared_ptr<GuestControl> desk,
                                      std::vector<std::string> sockets = {},
                                      const RequestLimits& limits = {});

}  // namespace fallow::cli
