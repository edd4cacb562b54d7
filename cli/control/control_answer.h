// The answers of a daemon on its control socket.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/control/guest_control.h"

namespace fallow::cli {

// Executes the request in `line`. {"ok":true,"warning":"sentence"} tells of a target beyond what a guest can
// give. Returns one line of JSON without its newline: {"ok":true,...} or
// {"ok":false,"error":"sentence"}. GuestSnapshot::socket indexes `sockets`. Waits for `desk`. A request that
// changes a guest is refused unless `may_steer`.
std::string answer_request(std::string_view line, GuestControl& desk, std::span<const std::string> sockets,
                           bool may_steer = true);

// Returns the answer {"ok":false,...}.
std::string refuse_request(const std::string& error);

// Returns the path of a guest's socket, or the socket's index if `sockets` has no such entry.
std::string socket_name(const vhost::GuestSnapshot& guest, std::span<const std::string> sockets);

}  // namespace fallow::cli
