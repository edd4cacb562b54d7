#include "cli/serve/serve_reload.h"

#include <utility>

namespace fallow::cli {

std::vector<std::string> take_over(const ServeRequest& wanted, ServeRequest* now) {
  const std::pair<const char*, bool> fixed[] = {
      {"socket", wanted.sockets != now->sockets},
      {"socket-mode", wanted.socket_mode != now->socket_mode},
      {"control", wanted.control != now->control},
      {"control-mode", wanted.control_mode != now->control_mode},
      {"metrics", wanted.metrics != now->metrics},
      {"log", wanted.log != now->log},
      {"log-format", wanted.log_format != now->log_format},
      {"user", wanted.user != now->user},
      {"no-sandbox", wanted.sandbox != now->sandbox},
  };
  std::vector<std::string> names;
  for (const auto& [name, differs] : fixed)
    if (differs) names.emplace_back(name);
  now->bounds = wanted.bounds;
  now->guest = wanted.guest;
  now->target = wanted.target;
  now->statistics = wanted.statistics;
  now->log_level = wanted.log_level;
  now->warnings = wanted.warnings;
  return names;
}

}  // namespace fallow::cli
