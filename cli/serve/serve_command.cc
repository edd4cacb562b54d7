#include "cli/serve/serve_command.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/control/metrics_address.h"
#include "cli/serve/daemon/serve_daemon.h"
#include "cli/serve/log/log_file.h"
#include "cli/serve/serve_config.h"
#include "cli/serve/serve_reload.h"
#include "cli/serve/serve_sockets.h"
#include "cli/term/exit_status.h"
#include "cli/term/output_file.h"

namespace fallow::cli {
namespace {

void print_error(const std::string& sentence) {
  write_all(STDERR_FILENO, "fallow serve: " + sentence + "\n");
}

// The listening sockets of the daemon.
class Listeners {
 public:
  // Opens all sockets. Returns false and sets `error` on failure.
  bool open(const ServeRequest& request, const std::vector<PassedSocket>& passed,
            const std::optional<UserIds>& user, std::string* error) {
    const auto owner =
        user ? std::optional<SocketOwner>({user->user, user->group}) : std::optional<SocketOwner>();
    for (const PassedSocket& socket : passed) {
      auto taken = ListeningSocket::take(socket.file, error);
      if (!taken) return false;
      (socket.name == kControlName ? control_ : guests_).push_back(std::move(*taken));
    }
    for (const std::string& path : request.sockets) {
      auto made = ListeningSocket::create(path, request.socket_mode, owner, error);
      if (!made) {
        *error = "--socket " + *error;
        return false;
      }
      guests_.push_back(std::move(*made));
    }
    if (request.metrics) {
      metrics_ = listen_for_metrics(*request.metrics, error);
      if (!metrics_) {
        *error = "--metrics " + *error;
        return false;
      }
    }
    if (!control_.empty() || !request.control) return true;
    auto made = ListeningSocket::create(*request.control, request.control_mode, owner, error);
    if (made) {
      control_.push_back(std::move(*made));
    } else {
      *error = "--control " + *error;
    }
    return made.has_value();
  }

  void describe(DaemonPlan* plan) const {
    for (const ListeningSocket& socket : guests_) {
      plan->listeners.push_back(socket.file());
      plan->socket_paths.push_back(socket.path());
    }
    if (!control_.empty()) plan->control = control_.front().file();
    if (metrics_) plan->metrics = metrics_->get();
  }

  static constexpr const char* kControlName = "control";  // FileDescriptorName= of a socket unit

 private:
  std::vector<ListeningSocket> guests_, control_;
  std::optional<UniqueFd> metrics_;
};

// Raises the descriptor limit: a guest process needs about 25, and the daemon needs three for each possible
// guest.
void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<std::string> paths_of(const std::vector<PassedSocket>& passed) {
  std::vector<std::string> paths;
  for (const PassedSocket& socket : passed)
    if (socket.name != Listeners::kControlName) paths.push_back(path_of_socket(socket.file));
  return paths;
}

// Reads the configuration file again. Without a file, or if it has an error, the options stay as they are.
void reload(const ServeWords& words, const std::vector<std::string>& passed, ServeLog& log,
            ServeRequest* now) {
  if (!words.config) return;
  std::string error;
  const auto all = with_config(words, &error);
  const auto wanted = all ? interpret(*all, passed, &error) : std::nullopt;
  if (!wanted) {
    log.write(LogLevel::Error, "config_refused", error + "; the options stay as they are");
    return;
  }
  std::string fixed;
  for (const std::string& name : take_over(*wanted, now)) fixed += (fixed.empty() ? "" : ", ") + name;
  log.set_level(now->log_level);
  log.write(LogLevel::Info, "config_read",
            "read the options again; they count for guests that connect from now on",
            {{"config", *words.config}});
  if (!fixed.empty())
    log.write(LogLevel::Warning, "config_fixed", "changed only by a new start of the daemon: " + fixed);
  for (const std::string& warning : now->warnings) log.write(LogLevel::Warning, "option", warning);
}

int serve(const ServeWords& words, ServeRequest request, const std::vector<PassedSocket>& passed) {
  std::string error;
  DaemonPlan plan;
  if (request.user) {
    plan.user = find_user(*request.user, &error);
    if (!plan.user) {
      print_error("--user: " + error);
      return kExitFailed;
    }
  }
  plan.signals_before = block_daemon_signals();
  LogFile log_file;
  Listeners listeners;
  if (!log_file.open(request.log, &error) || !listeners.open(request, passed, plan.user, &error)) {
    print_error(error);
    return kExitFailed;
  }
  allow_many_descriptors();
  ServeLog log(log_file.file(), request.log_format, request.log_level);
  plan.request = &request;
  const std::vector<std::string> paths = paths_of(passed);
  plan.hang_up = [&] {
    log_file.reopen();
    reload(words, paths, log, &request);
  };
  plan.log = &log;
  listeners.describe(&plan);
  for (const std::string& warning : request.warnings) log.write(LogLevel::Warning, "option", warning);
  for (const std::string& path : plan.socket_paths)
    log.write(LogLevel::Info, "listening", "listening for guests",
              {{"socket", path}, {"features", feature_names(request.guest.features)}});
  const int status = run_daemon(plan);
  log.write(LogLevel::Info, "ended", "the daemon exits");
  return status;
}

}  // namespace

int run_serve(const ServeWords& words) {
  std::string error;
  const auto passed = take_passed_sockets(&error);
  if (!passed) {
    print_error(error);
    return kExitFailed;
  }
  const auto all = with_config(words, &error);
  const auto request = all ? interpret(*all, paths_of(*passed), &error) : std::nullopt;
  const bool control_passed = std::ranges::any_of(
      *passed, [](const PassedSocket& socket) { return socket.name == Listeners::kControlName; });
  if (request && control_passed && (all->control || all->control_mode))
    error =
        "--control and --control-mode have no effect: the service manager passes the control socket; "
        "expected "
        "ListenStream= and SocketMode= of its socket unit instead";
  if (!error.empty()) {
    print_error(error + "\nTry 'fallow serve --help'.");
    return kExitUsage;
  }
  return serve(words, *request, *passed);
}

}  // namespace fallow::cli
