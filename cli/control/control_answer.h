// What a daemon answers on its control socket.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/control/guest_control.h"

namespace fallow::cli {

// Does what the line asks for. One line of JSON, without its end: {"ok":true,...} or
// {"ok":false,"error":"sentence"}. `sockets`: the paths that GuestSnapshot::socket counts. Waits for the
// desk. What changes something is refused unless `may_steer`.
std::string answer_request(std::string_view line, GuestControl& desk, std::span<const std::string> sockets,
                           bool may_steer = true);

// {"ok":false,...} alone.
std::string refuse_request(const std::string& error);

// The path of a guest's socket, or its number if there is no such path.
std::string socket_name(const vhost::GuestSnapshot& guest, std::span<const std::string> sockets);

}  // namespace fallow::cli
