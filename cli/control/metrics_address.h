// Opens the listening socket for `--metrics`.
#pragma once

#include <optional>
#include <string>

#include "cli/process/unique_fd.h"

namespace fallow::cli {

// Resolves `address_and_port` ("localhost:9105", "[::1]:9105"; port 0: any free port) and listens on the
// first address that can be bound. Reads files and queries name servers, so must be called before the sandbox
// takes effect. On failure returns nothing and sets `error` to a sentence with the address and the system's
// error.
std::optional<UniqueFd> listen_for_metrics(const std::string& address_and_port, std::string* error);

}  // namespace fallow::cli
