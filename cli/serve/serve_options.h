// The options of `fallow serve`: from words to values, with an error for each that makes no sense.
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

// As they were typed; nothing where an option was not given.
struct ServeWords {
  std::vector<std::string> sockets;
  std::optional<std::string> socket_mode, features, queue_size, target, stats_interval;
  std::optional<std::string> control_mode, max_guest_memory;
  std::optional<std::string> guests_per_socket, guests_per_user, guests_per_process;
  std::optional<std::string> control, metrics, log, log_format, log_level, user;
  bool split = false, packed = false, no_sandbox = false;
};

struct ServeRequest {
  std::vector<std::string> sockets;
  mode_t socket_mode = 0600, control_mode = 0600;
  ConnectionBounds bounds;
  // As large as can be: a front-end whose queues are larger than this serves nothing.
  vhost::BalloonGuestOptions guest{.max_queue_size = 1024};
  PfnCount target;
  Nanoseconds statistics = seconds(5);
  std::optional<std::string> control;  // a path; nothing: no control socket
  std::optional<std::string> metrics;  // ADDRESS:PORT
  std::optional<std::string> log;      // a path; nothing: standard error
  LogFormat log_format = LogFormat::Text;
  LogLevel log_level = LogLevel::Info;
  std::optional<std::string> user;
  bool sandbox = true;
  std::vector<std::string> warnings;  // sentences about options that do not do what one may hope
};

// `passed`: paths of sockets that the service manager passed, after which a control socket is named like
// after those of --socket. On failure returns nothing and sets `error` to a sentence that names the option,
// the value and what would do.
std::optional<ServeRequest> interpret(const ServeWords& words, const std::vector<std::string>& passed,
                                      std::string* error);

// "must-tell-host,stats": what --features reads back as the same.
std::string feature_names(Features features);

}  // namespace fallow::cli
