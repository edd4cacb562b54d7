#include "cli/serve/daemon/serve_daemon.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "cli/process/pipe.h"
#include "cli/serve/daemon/connection_limits.h"
#include "cli/serve/daemon/daemon_processes.h"
#include "cli/serve/daemon/guest_board.h"
#include "cli/serve/daemon/serve_supervisor.h"
#include "cli/serve/log/log_relay.h"
#include "cli/term/exit_status.h"
#include "fallow/base/check.h"

namespace fallow::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Slots beyond the maximum number of guests, because an evicted connection takes a while to end.
constexpr std::size_t kSpareSlots = 32;
// The maximum number of guests that start at once, so that starts do not starve the guests being served.
constexpr std::size_t kMostStarting = 4;

// All signals except those of job control and those that report faults of the daemon itself.
sigset_t daemon_signals() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
    sigdelset(&signals, signal);
  return signals;
}

class Daemon {
 public:
  Daemon(const DaemonPlan& plan, const DaemonTimes& times)
      : plan_(plan), times_(times), log_(*plan.log), limits_(plan.request->bounds) {}

  int run() {
    if (const std::string error = set_up(); !error.empty()) {
      log_.write(LogLevel::Error, "failed", error);
      return kExitFailed;
    }
    start_control();
    log_.write(LogLevel::Info, "serving", "ready to serve guests");
    while (!ended()) handle_events();
    if (const auto left = std::ranges::count_if(guests_, [](const Guest& guest) { return guest.active(); });
        left != 0)
      log_.write(LogLevel::Error, "stuck",
                 fmt::format("{} guest processes did not exit: they are blocked in the kernel", left));
    if (control_ > 0) kill(control_, SIGKILL);
    return kExitOk;
  }

 private:
  // The processes of a slot, and the state of its connection.
  struct Guest {
    pid_t supervisor = 0;  // 0 if the slot is free
    ConnectionState connection;
    std::unique_ptr<LogRelay> log;

    bool active() const { return supervisor > 0; }
  };

  std::string set_up();
  void start_control();
  void handle_events();
  void take_signals();
  void accept_from(std::size_t listener);
  void admit(std::size_t listener, int socket);
  void start_guest(std::size_t slot, std::size_t listener, int socket, Peer peer);
  void log_refusal(const std::string& words, const std::vector<LogField>& fields);
  void turn_away(std::size_t listener, int socket, const std::string& why);
  void reap();
  void reap_guest(std::size_t slot, int status);
  void end_overdue();
  void dismiss(std::size_t slot, const std::string& why);
  void signal_guests(int signal);
  bool ended() const;
  int time_to_wait() const;
  std::size_t starting() const;
  std::vector<ConnectionState> connections();

  const DaemonPlan& plan_;
  const DaemonTimes times_;
  ServeLog& log_;
  ConnectionLimits limits_;
  std::unique_ptr<GuestBoard> board_;
  std::vector<Guest> guests_;  // by slot
  std::uint64_t last_number_ = 0;
  int signals_ = -1;
  int reserve_ = -1;  // a spare descriptor, closed to accept and refuse a connection
  pid_t control_ = 0;
  std::unique_ptr<LogRelay> control_log_;
  Clock::time_point control_again_ = Clock::time_point::max();  // when to restart it
  Clock::time_point listen_again_{};
  Clock::time_point kill_at_ = Clock::time_point::max(), give_up_at_ = Clock::time_point::max();
  bool stopping_ = false;
  TokenBucket refusal_lines_{200, 5};
  std::uint64_t dropped_ = 0;  // log lines dropped by this bucket
};

std::string Daemon::set_up() {
  auto board = GuestBoard::create(limits_.bounds().all + kSpareSlots);
  if (!board) return board.error;
  board_ = std::move(board.object);
  guests_.resize(board_->size());
  const sigset_t signals = daemon_signals();
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  reserve_ = eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || reserve_ < 0)
    return fmt::format("cannot create a descriptor: {}", std::strerror(errno));
  return {};
}

// Waits for events and handles them.
void Daemon::handle_events() {
  std::vector<pollfd> files = {{signals_, POLLIN, 0}};
  const bool listens = !stopping_ && Clock::now() >= listen_again_ && starting() < kMostStarting;
  for (const int listener : plan_.listeners) files.push_back({listens ? listener : -1, POLLIN, 0});
  const std::size_t logs = files.size();
  files.push_back({control_log_ ? control_log_->file() : -1, POLLIN, 0});
  for (const Guest& guest : guests_) files.push_back({guest.log ? guest.log->file() : -1, POLLIN, 0});
  poll(files.data(), files.size(), time_to_wait());
  // Relay log lines first, so that the reason of an exit precedes the message about the exit.
  if (files[logs].revents != 0 && !control_log_->pass_on()) control_log_.reset();
  for (std::size_t i = 0; i < guests_.size(); ++i) {
    if (files[logs + 1 + i].revents != 0 && !guests_[i].log->pass_on()) guests_[i].log.reset();
  }
  if (files[0].revents != 0) take_signals();
  for (std::size_t i = 0; i < plan_.listeners.size(); ++i) {
    if (files[1 + i].revents != 0 && !stopping_) accept_from(i);
  }
  end_overdue();
  const auto now = Clock::now();
  if (now >= control_again_) start_control();
  if (now >= kill_at_) {
    signal_guests(SIGKILL);
    kill_at_ = Clock::time_point::max();
  }
}

int Daemon::time_to_wait() const {
  auto until = std::min({control_again_, kill_at_, give_up_at_});
  if (listen_again_ > Clock::now()) until = std::min(until, listen_again_);
  for (const Guest& guest : guests_) {
    if (guest.active() && !stopping_) until = std::min(until, limits_.next_deadline({&guest.connection, 1}));
  }
  // Poll, because no event announces that a worker has begun.
  if (!stopping_ && starting() >= kMostStarting) until = std::min(until, Clock::now() + milliseconds(1));
  if (until == Clock::time_point::max()) return -1;
  return static_cast<int>(
      std::clamp<std::int64_t>(std::chrono::ceil<milliseconds>(until - Clock::now()).count(), 0, 60'000));
}

std::size_t Daemon::starting() const {
  std::size_t count = 0;
  for (std::size_t slot = 0; slot < guests_.size(); ++slot)
    count +=
        guests_[slot].active() && !guests_[slot].connection.leaving && board_->slot(slot).record.begun == 0;
  return count;
}

bool Daemon::ended() const {
  return stopping_ && (Clock::now() >= give_up_at_ ||
                       std::ranges::none_of(guests_, [](const Guest& guest) { return guest.active(); }));
}

void Daemon::take_signals() {
  signalfd_siginfo info{};
  while (read(signals_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      reap();
    } else if (signal == SIGHUP) {
      plan_.hang_up();
      limits_.set_bounds(plan_.request->bounds);
    } else if (signal == SIGTERM || signal == SIGINT) {
      // A second signal kills at once.
      const auto now = Clock::now();
      kill_at_ = stopping_ ? now : now + milliseconds(times_.stop_ms);
      give_up_at_ = kill_at_ + milliseconds(times_.kill_ms);
      stopping_ = true;
      signal_guests(SIGTERM);
    } else {
      log_.write(LogLevel::Warning, "signal_ignored",
                 fmt::format("signal {} ({}) is ignored: SIGTERM or SIGINT ends the daemon", signal,
                             strsignal(signal)));
    }
  }
}

void Daemon::signal_guests(int signal) {
  for (const Guest& guest : guests_)
    if (guest.active()) kill(guest.supervisor, signal);
}

void Daemon::reap() {
  int status = 0;
  for (pid_t process = 0; (process = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (process == control_) {
      control_ = 0;
      if (stopping_) continue;
      log_.write(LogLevel::Error, "control_died",
                 "the control process " + describe_end(status) + "; restarting it");
      control_again_ = Clock::now() + milliseconds(times_.restart_ms);
      continue;
    }
    for (std::size_t slot = 0; slot < guests_.size(); ++slot) {
      if (guests_[slot].supervisor == process) reap_guest(slot, status);
    }
  }
}

void Daemon::reap_guest(std::size_t slot, int status) {
  Guest& guest = guests_[slot];
  GuestSlot& shared = board_->slot(slot);
  const std::uint64_t number = shared.number.load(std::memory_order_relaxed);
  while (guest.log != nullptr && guest.log->pass_on()) {
    pollfd more{guest.log->file(), POLLIN, 0};
    if (poll(&more, 1, 0) != 1) break;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kExitQuarantined) {
    limits_.quarantine(guest.connection.peer, Clock::now());
    board_->figures().quarantined.fetch_add(1, std::memory_order_relaxed);
    log_.write(LogLevel::Error, "quarantined",
               fmt::format("the guest crashed its workers; process {} may not connect for {} s",
                           guest.connection.peer.process, limits_.bounds().quarantine.count()),
               {{"guest", number}, {"socket", plan_.socket_paths[guest.connection.socket]}});
  }
  if (shared.record.in_use != 0)
    log_.write(LogLevel::Info, "disconnected", "guest disconnected: its supervisor " + describe_end(status),
               {{"guest", number}});
  // Relaxed: the processes are gone, and the control process does not read a slot whose number is 0.
  shared.number.store(0, std::memory_order_relaxed);
  guest = {};
}

// Ends a connection by SIGTERM. SIGKILL would lose requests that the guest has made.
void Daemon::dismiss(std::size_t slot, const std::string& why) {
  Guest& guest = guests_[slot];
  guest.connection.leaving = true;
  kill(guest.supervisor, SIGTERM);
  board_->figures().turned_away.fetch_add(1, std::memory_order_relaxed);
  log_refusal("connection closed: " + why,
              {{"guest", board_->slot(slot).number.load(std::memory_order_relaxed)},
               {"socket", plan_.socket_paths[guest.connection.socket]}});
}

void Daemon::end_overdue() {
  const auto now = Clock::now();
  for (std::size_t slot = 0; slot < guests_.size(); ++slot) {
    Guest& guest = guests_[slot];
    if (!guest.active() || !limits_.overdue(guest.connection, now)) continue;
    guest.connection.negotiated = board_->slot(slot).record.vhost.settings().features_set;
    if (!guest.connection.negotiated)
      dismiss(slot, fmt::format("the front-end negotiated no features within {} s",
                                limits_.bounds().handshake.count()));
  }
}

// Returns the connections by slot. A free slot counts as leaving.
std::vector<ConnectionState> Daemon::connections() {
  std::vector<ConnectionState> all;
  for (std::size_t slot = 0; slot < guests_.size(); ++slot) {
    Guest& guest = guests_[slot];
    if (guest.active() && !guest.connection.negotiated)
      guest.connection.negotiated = board_->slot(slot).record.vhost.settings().features_set;
    all.push_back(guest.connection);
    all.back().leaving |= !guest.active();
  }
  return all;
}

void Daemon::accept_from(std::size_t listener) {
  int socket = accept4(plan_.listeners[listener], nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket >= 0) return admit(listener, socket);
  const int error = errno;
  if (error == EAGAIN || error == ECONNABORTED || error == EINTR) return;  // the peer has closed it
  if (error == EMFILE || error == ENFILE) {
    // Use the spare descriptor to accept and refuse the connection; otherwise the listener stays readable.
    close(std::exchange(reserve_, -1));
    socket = accept4(plan_.listeners[listener], nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket >= 0) turn_away(listener, socket, "out of file descriptors: raise the limit (ulimit -n)");
    reserve_ = eventfd(0, EFD_CLOEXEC);
    if (socket >= 0) return;
  }
  constexpr milliseconds kPause{20};
  listen_again_ = Clock::now() + kPause;
}

void Daemon::turn_away(std::size_t listener, int socket, const std::string& why) {
  board_->figures().turned_away.fetch_add(1, std::memory_order_relaxed);
  log_refusal("connection refused: " + why, {{"socket", plan_.socket_paths[listener]}});
  close(socket);
}

// Limits the log lines, because a front-end can connect at any rate.
void Daemon::log_refusal(const std::string& words, const std::vector<LogField>& fields) {
  if (!refusal_lines_.take(1)) {
    ++dropped_;
    return;
  }
  if (dropped_ != 0)
    log_.write(LogLevel::Warning, "left_out",
               fmt::format("{} log lines about connections were dropped", std::exchange(dropped_, 0)));
  log_.write(LogLevel::Warning, "turned_away", words, fields);
}

void Daemon::admit(std::size_t listener, int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return turn_away(listener, socket, "cannot identify the peer (SO_PEERCRED)");
  const Peer peer{credentials.pid, credentials.uid};
  const auto present = connections();
  const auto verdict = limits_.admit(static_cast<std::uint32_t>(listener), peer, present, Clock::now());
  if (!verdict.refusal.empty()) return turn_away(listener, socket, verdict.refusal);
  std::size_t slot = 0;
  while (slot < guests_.size() && guests_[slot].active()) ++slot;
  if (slot == guests_.size())
    return turn_away(listener, socket, "all slots are in use, because closed connections have not ended yet");
  if (verdict.evict != ConnectionLimits::kNone)
    dismiss(verdict.evict, "the front-end negotiated no features, and another connection needs its slot");
  start_guest(slot, listener, socket, peer);
}

void Daemon::start_guest(std::size_t slot, std::size_t listener, int socket, Peer peer) {
  auto log = Pipe::open(O_NONBLOCK);
  if (!log) return turn_away(listener, socket, "out of file descriptors: raise the limit (ulimit -n)");
  GuestSlot& shared = board_->slot(slot);
  shared.worker.store(0, std::memory_order_relaxed);
  shared.answered.store(shared.asked.load(std::memory_order_relaxed), std::memory_order_relaxed);
  vhost::GuestRecord& record = shared.record;
  record = vhost::GuestRecord{};
  record.socket = static_cast<std::uint32_t>(listener);
  record.number = ++last_number_;
  record.target = static_cast<std::uint32_t>(plan_.request->target.raw);
  vhost::begin_connection(record.vhost, socket);
  record.in_use = 1;
  const pid_t child = fork_guest(plan_, *board_, slot, socket, log->write.get());
  const int error = errno;
  if (child < 0) {
    record.in_use = 0;
    return turn_away(listener, socket, fmt::format("cannot start a process: {}", std::strerror(error)));
  }
  close(socket);
  guests_[slot] = {child,
                   {static_cast<std::uint32_t>(listener), peer, Clock::now()},
                   std::make_unique<LogRelay>(std::move(log->read), record.number, log_)};
  board_->figures().connections.fetch_add(1, std::memory_order_relaxed);
  // release: pairs with the acquire in GuestBoardControl::ask(), which then sees the initialised slot.
  shared.number.store(last_number_, std::memory_order_release);
}

void Daemon::start_control() {
  control_again_ = Clock::time_point::max();
  if (plan_.control < 0 && plan_.metrics < 0) return;
  auto log = Pipe::open(O_NONBLOCK);
  control_ = log ? fork_control(plan_, *board_, log->write.get()) : -1;
  if (control_ > 0) {
    control_log_ = std::make_unique<LogRelay>(std::move(log->read), 0, log_);
    return;
  }
  const int error = errno;
  log_.write(LogLevel::Error, "failed",
             fmt::format("cannot start the control process: {}", std::strerror(error)));
  control_again_ = Clock::now() + milliseconds(times_.restart_ms);
}

}  // namespace

sigset_t block_daemon_signals() {
  const sigset_t signals = daemon_signals();
  sigset_t before;
  FALLOW_CHECK(sigprocmask(SIG_BLOCK, &signals, &before) == 0);
  block_library_signals();
  signal(SIGPIPE, SIG_IGN);
  return before;
}

int run_daemon(const DaemonPlan& plan, const DaemonTimes& times) { return Daemon(plan, times).run(); }

}  // namespace fallow::cli
