// What the worker of `fallow serve` does: serves guests, with no more rights than that takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/fallow/serve_log.h"
#include "apps/fallow/serve_options.h"
#include "apps/fallow/serve_user.h"
#include "fallow/vhost_user/server.h"

namespace fallow {

// All that a worker starts from, made by the supervisor before the first.
struct WorkerPlan {
  const ServeRequest* request = nullptr;
  ServeLog* log = nullptr;
  ServerRecords* records = nullptr;       // shared by supervisor and workers
  std::vector<int> listeners;             // of guests
  std::vector<std::string> socket_paths;  // theirs
  int control = -1;                       // listens for `fallow ctl`; -1: nothing does
  int metrics = -1;                       // listens for Prometheus; -1: nothing does
  std::optional<UserIds> user;
  std::vector<int> keep;  // other descriptors that are in use
};

// For Worker::run; `plan` is a WorkerPlan. Serves until SIGTERM.
int run_worker(void* plan, void (*started)()) noexcept;

}  // namespace fallow
