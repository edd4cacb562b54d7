#include "apps/fallow/serve_worker.h"

#include <signal.h>

#include <atomic>
#include <cerrno>
#include <exception>
#include <memory>

#include "apps/fallow/control_server.h"
#include "apps/fallow/control_server_desk.h"
#include "apps/fallow/exit_status.h"
#include "apps/fallow/metrics_server.h"
#include "apps/fallow/serve_events.h"
#include "apps/fallow/serve_sandbox.h"
#include "apps/fallow/serve_supervisor.h"

namespace fallow {
namespace {

// Whom SIGTERM stops.
std::atomic<Server*> stopped_by_signal{nullptr};
static_assert(std::atomic<Server*>::is_always_lock_free);

// One that was sent to the worker alone would end the daemon, and its guests' balloons with it.
void on_sigterm(int /*number*/, siginfo_t* info, void* /*context*/) {
  if (!from_supervisor(*info)) return;
  // Whoever is interrupted may be about to look at its own.
  const int error = errno;
  // acquire: pairs with the store below; the server is made before.
  if (Server* const server = stopped_by_signal.load(std::memory_order_acquire)) server->stop();
  errno = error;
}

// SIGTERM is blocked until there is a server to stop; one that came before is kept.
void let_sigterm_stop(Server& server) {
  // release: pairs with the acquire in on_sigterm(), on whatever thread the signal arrives.
  stopped_by_signal.store(&server, std::memory_order_release);
  struct sigaction action {};
  action.sa_sigaction = on_sigterm;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

std::string drop_rights(const WorkerPlan& plan) {
  if (plan.user) {
    if (std::string error = become_user(*plan.user); !error.empty()) return "--user: " + error;
    if (!die_with_supervisor()) return "the supervisor is gone";
  }
  if (!plan.request->sandbox) return {};
  if (std::string error = enter_sandbox(); !error.empty()) return error + "; --no-sandbox does without";
  return {};
}

// Through which the guests can be seen from outside.
struct Windows {
  std::unique_ptr<RequestServer> control, metrics;

  // Empty, or what failed.
  std::string open(const WorkerPlan& plan, Server& server) {
    if (plan.control >= 0) {
      auto made = serve_control(plan.control, std::make_unique<ControlServerDesk>(server), plan.socket_paths);
      if (!made) return made.error;
      control = std::move(made.object);
    }
    if (plan.metrics >= 0) {
      auto made = serve_metrics(plan.metrics, std::make_unique<ControlServerDesk>(server), plan.socket_paths);
      if (!made) return made.error;
      metrics = std::move(made.object);
    }
    return {};
  }

  void abandon() {
    static_cast<void>(control.release());
    static_cast<void>(metrics.release());
  }
};

// Empty, or what failed.
std::string serve(const WorkerPlan& plan, void (*started)()) {
  if (std::string error = drop_rights(plan); !error.empty()) return error;
  ServeEvents events(*plan.log, plan.socket_paths);
  const ServerOptions options{.listeners = plan.listeners,
                              .guest = plan.request->guest,
                              .target = plan.request->target,
                              .statistics = plan.request->statistics};
  auto server = Server::create(options, *plan.records, events, plan.keep);
  if (!server) return server.error;
  Windows windows;
  if (std::string error = windows.open(plan, *server.object); !error.empty()) return error;
  started();
  plan.log->write(LogLevel::Info, "serving", "guests are served");
  let_sigterm_stop(*server.object);
  std::string error = server.object->run();
  // The process is about to end, and a client may wait for an answer.
  windows.abandon();
  static_cast<void>(server.object.release());
  return error;
}

}  // namespace

int run_worker(void* context, void (*started)()) noexcept {
  const auto& plan = *static_cast<const WorkerPlan*>(context);
  try {
    const std::string error = serve(plan, started);
    if (error.empty()) return kExitOk;
    plan.log->write(LogLevel::Error, "failed", error);
  } catch (const std::exception& error) {
    plan.log->write(LogLevel::Error, "failed", error.what());
  }
  return kExitFailed;
}

}  // namespace fallow
