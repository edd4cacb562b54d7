#include "vhost_user/daemon/server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "fallow/host/detail/system_error.h"
#include "vhost_user/daemon/server_client.h"
#include "vhost_user/protocol/close_others.h"
#include "vhost_user/session/connection.h"

namespace fallow::vhost {
namespace {

// Messages handled for one front-end before the others get their turn.
constexpr int kMessages = 16;
// Interval between two checks of what causes no event.
constexpr int kCheckEveryMs = 20;

Nanoseconds now() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return seconds(static_cast<std::uint64_t>(time.tv_sec)) +
         Nanoseconds{static_cast<std::uint64_t>(time.tv_nsec)};
}

}  // namespace

Server::Server(const ServerOptions& options, std::span<GuestRecord> records, ServerEvents& events)
    : options_(options), records_(records), events_(events), clients_(records.size()) {
  for (const GuestRecord& record : records_) last_number_ = std::max(last_number_, record.number);
}

Expected<Server> Server::create(const ServerOptions& options, std::span<GuestRecord> records,
                                ServerEvents& events, std::span<const int> keep) {
  std::unique_ptr<Server> server(new Server(options, records, events));
  if (std::string error = server->set_up(keep); !error.empty()) return error;
  return server;
}

std::string Server::set_up(std::span<const int> keep) {
  close_unnamed(keep);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  timer_ = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  reserve_ = eventfd(0, EFD_CLOEXEC);
  if (epoll_ < 0 || event_fd_ < 0 || timer_ < 0 || reserve_ < 0)
    return detail::system_error_text("the server", "epoll", errno);
  const auto interval = static_cast<long>(options_.statistics.raw);
  constexpr long kSecond = 1'000'000'000;
  const timespec every{interval / kSecond, interval % kSecond};
  const itimerspec timing{every, every};
  if (interval != 0 && timerfd_settime(timer_, 0, &timing, nullptr) != 0)
    return detail::system_error_text("the server", "timerfd_settime", errno);
  if (!watch(Source::EventFd, 0, event_fd_) || !watch(Source::Timer, 0, timer_))
    return detail::system_error_text("the server", "epoll_ctl", errno);
  if (options_.calls >= 0 && !watch(Source::Calls, 0, options_.calls))
    return detail::system_error_text("the server", "epoll_ctl", errno);
  for (std::size_t slot = 0; slot < records_.size(); ++slot) {
    if (records_[slot].in_use != 0) adopt(slot);
  }
  for (std::size_t i = 0; i < options_.listeners.size(); ++i) {
    if (!watch(Source::Listener, i, options_.listeners[i]))
      return detail::system_error_text("a socket", "epoll_ctl", errno);
  }
  return {};
}

Server::~Server() {
  for (auto& client : clients_) client.reset();
  for (const int fd : {reserve_, timer_, event_fd_, epoll_}) {
    if (fd >= 0) ::close(fd);
  }
}

// Closes what the previous process had open for itself, or received without recording it.
void Server::close_unnamed(std::span<const int> keep) {
  std::vector<int> named(keep.begin(), keep.end());
  named.insert(named.end(), options_.listeners.begin(), options_.listeners.end());
  if (options_.calls >= 0) named.push_back(options_.calls);
  for (GuestRecord& record : records_) {
    if (record.in_use == 0) continue;
    Connection(record.vhost).recover();
    for_each_descriptor(record.vhost, [&](int fd) { named.push_back(fd); });
  }
  close_others(std::move(named));
}

bool Server::watch(Source source, std::size_t slot, int fd, bool once) {
  const std::uint32_t what = EPOLLIN | (once ? std::uint32_t{EPOLLONESHOT} : 0U);
  epoll_event event{.events = what, .data = {.u64 = static_cast<std::uint64_t>(source) << 32 | slot}};
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0 ||
         (errno == EEXIST && epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0);
}

std::string Server::begin(std::size_t slot) {
  const int wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wakeup_fd < 0) return detail::system_error_text("a guest", "eventfd", errno);
  auto client = std::make_unique<Client>(records_[slot], wakeup_fd);
  auto guest = BalloonGuest::create(options_.guest, client->record, events_, wakeup_fd);
  if (!guest) return guest.error;
  client->guest = std::move(guest.object);
  client->session = std::make_unique<Session>(client->record.vhost, *client->guest);
  if (!watch(Source::Guest, slot, wakeup_fd)) return detail::system_error_text("a guest", "epoll_ctl", errno);
  clients_[slot] = std::move(client);
  return {};
}

// Adopts a guest that the previous process served, or that another process accepted. A failure concerns this
// guest only.
void Server::adopt(std::size_t slot) {
  GuestRecord& record = records_[slot];
  if (const std::string error = begin(slot); !error.empty()) {
    for_each_descriptor(record.vhost, [](int fd) {
      if (fd >= 0) ::close(fd);
    });
    // release: MO-28, as in finish().
    std::atomic_ref<std::uint32_t>(record.in_use).store(0, std::memory_order_release);
    events_.disconnected(record.number, "the guest cannot be served: " + error);
    return;
  }
  // If no process has begun to serve the record, the record is unchanged since its creation.
  if (std::exchange(record.begun, 1U) == 0) {
    events_.connected(record.number, record.socket);
  } else {
    ++record.restarts;
    clients_[slot]->resuming = true;
  }
  step(slot);
}

std::string Server::run() {
  constexpr int kEvents = 64;
  epoll_event events[kEvents];
  for (;;) {
    const bool stopping = stopping_.load(std::memory_order_relaxed);
    if (stopping) {
      for (const int listener : options_.listeners)
        static_cast<void>(epoll_ctl(epoll_, EPOLL_CTL_DEL, listener, nullptr));
      bool any = false;
      for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
        if (clients_[slot] != nullptr) hang_up(*clients_[slot], "the daemon is shutting down");
        if (clients_[slot] != nullptr) follow_up(slot, *clients_[slot]);
        any |= clients_[slot] != nullptr;
      }
      if (!any) return {};
    }
    if (options_.until_no_guest && std::ranges::none_of(clients_, [](const auto& c) { return c != nullptr; }))
      return {};
    const int n = epoll_wait(epoll_, events, kEvents, ending_ || resting_ ? kCheckEveryMs : -1);
    // This check precedes any other call, which could change errno.
    if (n < 0 && errno != EINTR) return detail::system_error_text("the server", "epoll_wait", errno);
    if ((ending_ || resting_) && now() >= check_at_) check_again();
    for (int i = 0; i < n; ++i) {
      const std::uint64_t what = events[i].data.u64;
      handle(static_cast<Source>(what >> 32), static_cast<std::size_t>(what & 0xffffffff));
    }
  }
}

void Server::handle(Source source, std::size_t slot) {
  const auto drain = [](int fd) {
    std::uint64_t count = 0;
    static_cast<void>(!::read(fd, &count, sizeof count));
  };
  switch (source) {
    case Source::EventFd:
      drain(event_fd_);
      run_posted();
      return;
    case Source::Calls:
      drain(options_.calls);
      events_.called(*this);
      return;
    case Source::Timer:
      drain(timer_);
      static_cast<void>(request_statistics(0));
      return;
    case Source::Listener:
      accept_from(slot);
      return;
    case Source::Socket:
      if (clients_[slot] == nullptr) return;
      clients_[slot]->listens = false;
      step(slot);
      return;
    case Source::Guest:
      if (clients_[slot] == nullptr) return;
      drain(clients_[slot]->wakeup_fd);
      step(slot);
      return;
  }
}

void Server::accept_from(std::size_t listener) {
  const int socket = accept4(options_.listeners[listener], nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket < 0) {
    const int error = errno;
    if (error == EAGAIN || error == ECONNABORTED || error == EINTR) return;  // the client is already gone
    if ((error == EMFILE || error == ENFILE) && turn_one_away(listener)) return;
    // The listener stays readable, so it is not watched for a while.
    static_cast<void>(epoll_ctl(epoll_, EPOLL_CTL_DEL, options_.listeners[listener], nullptr));
    resting_ = true;
    return;
  }
  std::size_t slot = 0;
  while (slot < records_.size() && records_[slot].in_use != 0) ++slot;
  if (slot == records_.size()) {
    events_.turned_away(static_cast<std::uint32_t>(listener),
                        "all " + std::to_string(records_.size()) + " guest slots are in use");
    ::close(socket);
    return;
  }
  GuestRecord& record = records_[slot];
  record = GuestRecord{};
  record.socket = static_cast<std::uint32_t>(listener);
  record.number = ++last_number_;
  record.begun = 1;
  record.target = static_cast<std::uint32_t>(options_.target.raw);
  begin_connection(record.vhost, socket);
  // release: MO-28, the record is complete before it is in use. From here on the record names the descriptor.
  std::atomic_ref<std::uint32_t>(record.in_use).store(1, std::memory_order_release);
  if (const std::string error = begin(slot); !error.empty()) {
    events_.turned_away(static_cast<std::uint32_t>(listener), error);
    record.in_use = 0;
    ::close(socket);
    return;
  }
  events_.connected(record.number, record.socket);
  step(slot);
}

// All descriptors are in use. Accepts and closes the connection with the reserved descriptor, so that the
// client learns of the failure and the socket does not stay readable. False: that was not enough.
bool Server::turn_one_away(std::size_t listener) {
  if (reserve_ >= 0) ::close(std::exchange(reserve_, -1));
  const int socket = accept4(options_.listeners[listener], nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket >= 0) ::close(socket);
  reserve_ = eventfd(0, EFD_CLOEXEC);
  if (socket < 0) return false;
  events_.turned_away(static_cast<std::uint32_t>(listener),
                      "no file descriptor is left; raise the limit (ulimit -n)");
  return true;
}

// Does all pending work of a guest: messages on its socket, and work that waited for its thread.
void Server::step(std::size_t slot) {
  Client& client = *clients_[slot];
  if (client.resuming && !client.closing) {
    client.guest->set_resuming(true);
    const Status status = client.session->resume();
    client.guest->set_resuming(false);
    if (status == Status::Pending) return;  // the guest will write to wakeup_fd
    client.resuming = false;
    if (status == Status::Ok) {
      client.config_due = true;  // the configuration may have changed just before
      events_.resumed(client.record.number, client.record.socket);
    } else {
      hang_up(client, client.session->error_text().text());
    }
  }
  for (int i = 0; i < kMessages && !client.closing; ++i) {
    const SessionOutcome outcome = client.session->step();
    client.pending = outcome == SessionOutcome::Pending;
    if (outcome == SessionOutcome::Idle || outcome == SessionOutcome::Pending) break;
    if (outcome == SessionOutcome::Refused)
      events_.refused(client.record.number, client.session->error_text().text());
    if (outcome == SessionOutcome::HungUp) hang_up(client, "the front-end closed the connection");
    if (outcome == SessionOutcome::Broken) hang_up(client, client.session->error_text().text());
  }
  follow_up(slot, client);
}

void Server::hang_up(Client& client, std::string why) {
  if (client.closing) return;
  client.closing = true;
  client.why = std::move(why);
}

void Server::follow_up(std::size_t slot, Client& client) {
  if (!client.closing && client.guest->memory_lost()) {
    events_.guest_event(client.record.number, BalloonGuestEvents::Kind::MemoryLost,
                        "the memory file became shorter than the guest's memory");
    hang_up(client, "the guest's memory is lost");
  }
  if (client.closing) {
    finish(slot, client);
    return;
  }
  // A full channel is retried at the next message or the next request for statistics.
  client.config_due |= client.guest->take_config_change();
  if (client.config_due) client.config_due = client.session->notify_config_change() == Status::Busy;
  // While a step waits for the guest, the socket is not watched.
  if (!client.pending && !client.listens)
    client.listens = watch(Source::Socket, slot, client.record.vhost.socket, true);
}

void Server::finish(std::size_t slot, Client& client) {
  static_cast<void>(epoll_ctl(epoll_, EPOLL_CTL_DEL, client.record.vhost.socket, nullptr));
  if (client.session->close() == Status::Pending) {  // the guest will write to wakeup_fd
    client.guest->interrupt_notification();
    ending_ = true;
    return;
  }
  const std::uint64_t number = client.record.number;
  const std::string why = client.why;
  clients_[slot].reset();
  // release: MO-28, the session has closed its descriptors before the record stops naming them.
  std::atomic_ref<std::uint32_t>(records_[slot].in_use).store(0, std::memory_order_release);
  events_.disconnected(number, why);
}

void Server::check_again() {
  check_at_ = now() + milliseconds(kCheckEveryMs);
  if (std::exchange(resting_, false)) {
    for (std::size_t i = 0; i < options_.listeners.size(); ++i)
      resting_ |= !watch(Source::Listener, i, options_.listeners[i]);
  }
  ending_ = false;
  for (std::size_t slot = 0; slot < clients_.size(); ++slot) {
    if (clients_[slot] != nullptr && clients_[slot]->closing) follow_up(slot, *clients_[slot]);
  }
}

void Server::stop() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_fd_, &one, sizeof one));
}

}  // namespace fallow::vhost
