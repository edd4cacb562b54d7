#include "cli/serve/daemon/guest_worker.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <exception>
#include <memory>

#include "cli/serve/daemon/serve_supervisor.h"
#include "cli/serve/serve_events.h"
#include "cli/serve/serve_sandbox.h"
#include "cli/term/exit_status.h"
#include "vhost_user/daemon/server.h"

namespace fallow::cli {
namespace {

// Whom SIGTERM stops.
std::atomic<vhost::Server*> stopped_by_signal{nullptr};
static_assert(std::atomic<vhost::Server*>::is_always_lock_free);

// One that was sent to the worker alone would end it, and its guest's balloon with it.
void on_sigterm(int /*number*/, siginfo_t* info, void* /*context*/) {
  if (!from_supervisor(*info)) return;
  // Whoever is interrupted may be about to look at its own.
  const int error = errno;
  // acquire: pairs with the store below; the server is made before.
  if (vhost::Server* const server = stopped_by_signal.load(std::memory_order_acquire)) server->stop();
  errno = error;
}

// SIGTERM is blocked until there is a server to stop; one that came before is kept.
void let_sigterm_stop(vhost::Server& server) {
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

Status carry_out(const GuestOrder& order, vhost::Server& server) {
  switch (order.kind) {
    case GuestOrder::Kind::Look:
      return Status::Ok;
    case GuestOrder::Kind::Target:
      return server.set_target(order.guest, order.target);
    case GuestOrder::Kind::Pause:
    case GuestOrder::Kind::Resume:
      return server.pause(order.guest, order.kind == GuestOrder::Kind::Pause);
  }
  return Status::InvalidArgument;
}

// The events of one guest, and the worker's end of its slot.
class GuestOffice final : public ServeEvents {
 public:
  explicit GuestOffice(const GuestWorkerPlan& plan)
      : ServeEvents(*plan.log, plan.socket_paths), slot_(*plan.slot) {}

  // Also after the start: a question may have come when nobody served.
  void called(vhost::Server& server) noexcept override {
    // acquire: pairs with the release in GuestBoardDesk::ask(); the order is written before.
    const std::uint32_t asked = slot_.asked.load(std::memory_order_acquire);
    if (slot_.answered.load(std::memory_order_relaxed) == asked) return;
    slot_.status = carry_out(slot_.order, server);
    const auto guests = server.guests();
    if (!guests.empty()) slot_.snapshot = guests.front();
    // release: pairs with the acquire in GuestBoardDesk::ask(); the answer is written before.
    slot_.answered.store(asked, std::memory_order_release);
  }

 private:
  GuestSlot& slot_;
};

// Empty, or what failed.
std::string serve(const GuestWorkerPlan& plan, void (*started)()) {
  if (plan.request->sandbox) {
    if (std::string error = enter_guest_sandbox(); !error.empty())
      return error + "; --no-sandbox does without";
  }
  GuestOffice office(plan);
  const vhost::ServerOptions options{.listeners = {},
                                     .until_no_guest = true,
                                     .calls = plan.bell,
                                     .guest = plan.request->guest,
                                     .target = plan.request->target,
                                     .statistics = plan.request->statistics};
  auto server = vhost::Server::create(options, {&plan.slot->record, 1}, office, plan.keep);
  if (!server) return server.error;
  started();
  office.called(*server.object);
  let_sigterm_stop(*server.object);
  std::string error = server.object->run();
  // The process is about to end: nothing needs to be taken apart.
  static_cast<void>(server.object.release());
  return error;
}

}  // namespace

int run_guest_worker(void* context, void (*started)()) noexcept {
  const auto& plan = *static_cast<const GuestWorkerPlan*>(context);
  // Relaxed: a number for whoever looks.
  plan.slot->worker.store(static_cast<std::uint32_t>(getpid()), std::memory_order_relaxed);
  try {
    const std::string error = serve(plan, started);
    if (error.empty()) return kExitOk;
    plan.log->write(LogLevel::Error, "failed", error, {{"guest", plan.slot->record.number}});
  } catch (const std::exception& error) {
    plan.log->write(LogLevel::Error, "failed", error.what(), {{"guest", plan.slot->record.number}});
  }
  return kExitFailed;
}

}  // namespace fallow::cli
