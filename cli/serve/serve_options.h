// The options of `fallow serve`: parses and validates their values.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/serve/daemon/connection_limits.h"
#include "cli/serve/log/serve_log.h"
#include "vhost_user/daemon/balloon_guest.h"

namespace fallow::cli {

// The option values as typed. Empty if an option was not given.
struct ServeWords {
  std::vector<std::string> sockets;
  std::optional<std::string> socket_mode, features, queue_size, target, stats_interval;
  std::optional<std::string> control_mode, max_guest_memory;
  std::optional<std::string> guests_per_socket, guests_per_user, guests_per_process;
  std::optional<std::string> control, metrics, log, log_format, log_level, user, config;
  bool split = false, packed = false, no_sandbox = false;
};

struct ServeRequest {
  std::vector<std::string> sockets;
  mode_t socket_mode = 0600, control_mode = 0600;
  ConnectionBounds bounds;
  // The largest size, because a front-end with larger queues is not served.
  vhost::BalloonGuestOptions guest{.max_queue_size = 1024};
  PfnCount target;
  Nanoseconds statistics = seconds(5);
  std::optional<std::string> control;  // a path, or no control socket
  std::optional<std::string> metrics;  // ADDRESS:PORT
  std::optional<std::string> log;      // a path, or standard error
  LogFormat log_format = LogFormat::Text;
  LogLevel log_level = LogLevel::Info;
  std::optional<std::string> user;
  bool sandbox = true;
  std::vector<std::string> warnings;  // about options that may not have the expected effect
};

// Validates the options. `passed` are the paths of sockets from the service manager; like those of --socket,
// they determine the default control socket. On failure sets `error`, which names the option, the value and
// the expected values.
std::optional<ServeRequest> interpret(const ServeWords& words, const std::vector<std::string>& passed,
                                      std::string* error);

// Returns a list such as "must-tell-host,stats", which --features parses to the same value.
std::string feature_names(Features features);

}  // namespace fallow::cli
