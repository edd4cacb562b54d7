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

// The server that SIGTERM stops.
std::atomic<vhost::Server*> stopped_by_signal{nullptr};
static_assert(std::atomic<vhost::Server*>::is_always_lock_free);

// Ignores a SIGTERM that was sent to the worker alone, which would end the guest's balloon.
void on_sigterm(int /*number*/, siginfo_t* info, void* /*context*/) {
  if (!from_supervisor(*info)) return;
  // The interrupted code may be about to read errno.
  const int error = errno;
  // acquire: pairs with the store below, so that the handler sees the constructed server.
  if (vhost::Server* const server = stopped_by_signal.load(std::memory_order_acquire)) server->stop();
  errno = error;
}

// Unblocks SIGTERM, which stays blocked until a server exists. A SIGTERM that came before is pending.
void stop_at_sigterm(vhost::Server& server) {
  // release: pairs with the acquire in on_sigterm(), which may run on any thread.
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

Status execute(const GuestCommand& command, vhost::Server& server) {
  switch (command.kind) {
    case GuestCommand::Kind::Look:
      return Status::Ok;
    case GuestCommand::Kind::Target:
      return server.set_target(command.guest, command.target);
    case GuestCommand::Kind::Pause:
    case GuestCommand::Kind::Resume:
      return server.pause(command.guest, command.kind == GuestCommand::Kind::Pause);
  }
  return Status::InvalidArgument;
}

// Logs the events of one guest, and executes the commands in its slot.
class WorkerEvents final : public ServeEvents {
 public:
  explicit WorkerEvents(const GuestWorkerPlan& plan)
      : ServeEvents(*plan.log, plan.socket_paths), slot_(*plan.slot) {}

  // Also called after the start, because a command may have come while no worker served.
  void called(vhost::Server& server) noexcept override {
    // acquire: pairs with the release in GuestBoardControl::ask(), so that this worker sees the command.
    const std::uint32_t asked = slot_.asked.load(std::memory_order_acquire);
    if (slot_.answered.load(std::memory_order_relaxed) == asked) return;
    slot_.status = execute(slot_.command, server);
    const auto guests = server.guests();
    if (!guests.empty()) slot_.snapshot = guests.front();
    // release: pairs with the acquire in GuestBoardControl::ask(), so that the control process sees the
    // answer.
    slot_.answered.store(asked, std::memory_order_release);
  }

 private:
  GuestSlot& slot_;
};

// Returns an error text, or empty.
std::string serve(const GuestWorkerPlan& plan, void (*started)()) {
  if (plan.request->sandbox) {
    if (std::string error = enter_guest_sandbox(); !error.empty())
      return error + "; use --no-sandbox to run without it";
  }
  WorkerEvents events(plan);
  const vhost::ServerOptions options{.listeners = {},
                                     .until_no_guest = true,
                                     .calls = plan.event_fd,
                                     .guest = plan.request->guest,
                                     .target = plan.request->target,
                                     .statistics = plan.request->statistics};
  auto server = vhost::Server::create(options, {&plan.slot->record, 1}, events, plan.keep);
  if (!server) return server.error;
  started();
  events.called(*server.object);
  stop_at_sigterm(*server.object);
  std::string error = server.object->run();
  // The process is about to exit, so the server is not destroyed.
  static_cast<void>(server.object.release());
  return error;
}

}  // namespace

int run_guest_worker(void* context, void (*started)()) noexcept {
  const auto& plan = *static_cast<const GuestWorkerPlan*>(context);
  // Relaxed: an informative value; no other data depends on it.
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
