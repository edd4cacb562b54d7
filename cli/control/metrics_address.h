// The address of `--metrics`: from words to a socket that listens.
#pragma once

#include <optional>
#include <string>

#include "cli/process/unique_fd.h"

namespace fallow::cli {

// Looks up `address_and_port` ("localhost:9105", "[::1]:9105"; port 0: any free one) and listens at the first
// of its addresses that a socket can be bound to. Reads files and asks name servers, so it is called before a
// sandbox closes. Nothing, and `error` is a sentence that names the address and what the system said.
std::optional<UniqueFd> listen_for_metrics(const std::string& address_and_port, std::string* error);

}  // namespace fallow::cli
