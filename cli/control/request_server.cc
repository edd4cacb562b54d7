#include "cli/control/request_server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <system_error>
#include <utility>

#include "fallow/host/detail/system_error.h"

namespace fallow::cli {

Expected<RequestServer> RequestServer::create(const char* what, int listening_fd,
                                              std::unique_ptr<RequestService> service,
                                              const RequestLimits& limits) {
  const std::string deed = std::string("setting up ") + what;
  const int flags = fcntl(listening_fd, F_GETFL);
  if (flags < 0 || fcntl(listening_fd, F_SETFL, flags | O_NONBLOCK) != 0)
    return detail::system_error_text(deed, "fcntl", errno);
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return detail::system_error_text(deed, "eventfd", errno);
  std::unique_ptr<RequestServer> made(new RequestServer(listening_fd, wake, std::move(service), limits));
  try {
    made->thread_ = std::thread([server = made.get()] { server->serve(); });
  } catch (const std::system_error& error) {
    return std::string("cannot start the thread of ") + what + ": " + error.what();
  }
  return made;
}

RequestServer::RequestServer(int listening_fd, int wake, std::unique_ptr<RequestService> service,
                             const RequestLimits& limits)
    : listening_(listening_fd), wake_(wake), service_(std::move(service)), limits_(limits) {}

RequestServer::~RequestServer() {
  // Relaxed: the eventfd provides the ordering, and the thread reads the flag after each wait.
  stop_.store(true, std::memory_order_relaxed);
  service_->close();
  if (thread_.joinable()) {
    eventfd_write(wake_, 1);
    thread_.join();
  }
  close(wake_);
}

void RequestServer::serve() {
  while (!stop_.load(std::memory_order_relaxed)) {
    try {
      serve_once();
    } catch (const std::exception&) {
      // Out of memory. Clients can reconnect; the daemon's guests cannot, so the daemon must survive.
      connections_.clear();
    }
  }
  connections_.clear();
}

void RequestServer::serve_once() {
  const bool accepting = Clock::now() >= no_accept_before_;
  std::vector<pollfd> files = {{wake_, POLLIN, 0}, {accepting ? listening_ : -1, POLLIN, 0}};
  for (const auto& connection : connections_) files.push_back({connection->file(), connection->wanted(), 0});
  if (poll(files.data(), files.size(), time_to_wait()) < 0) return;
  if (stop_.load(std::memory_order_relaxed)) return;

  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (const short ready = files[i + 2].revents; ready != 0) connections_[i]->work(ready);
    attend(*connections_[i]);
  }
  const Clock::time_point now = Clock::now();
  std::erase_if(connections_, [now](const auto& one) { return one->ended() || one->deadline() <= now; });
  // Accepts all waiting clients, up to the limit of connections: TCP delays clients beyond a socket's
  // backlog.
  for (std::size_t i = 0; files[1].revents != 0 && i < limits_.connections && accept_one(); ++i) {
  }
}

// Answers one request a turn, so that a client with many requests does not delay the others.
void RequestServer::attend(RequestConnection& connection) {
  if (connection.too_long()) {
    connection.answer(service_->refuse_long(limits_.bytes), true);
  } else if (const auto request = connection.take_request()) {
    RequestService::Answer answer = service_->answer(*request, connection.user());
    connection.answer(std::move(answer.bytes), answer.last);
  }
}

int RequestServer::time_to_wait() const {
  Clock::time_point until = Clock::time_point::max();
  if (Clock::now() < no_accept_before_) until = no_accept_before_;
  for (const auto& connection : connections_) {
    if (connection->has_request()) return 0;
    until = std::min(until, connection->deadline());
  }
  if (until == Clock::time_point::max()) return -1;
  // Rounded up; otherwise the last millisecond would be a busy loop.
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(wait)>(wait, 0, std::numeric_limits<int>::max()));
}

// Returns false if no client waits, or none can be accepted now.
bool RequestServer::accept_one() {
  const int file = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (file < 0) {
    // Out of descriptors: pause before the next attempt, to avoid a busy loop. The client stays in the
    // backlog.
    constexpr std::chrono::milliseconds kPause{100};
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) no_accept_before_ = Clock::now() + kPause;
    return errno == EINTR || errno == ECONNABORTED;
  }
  ucred peer{.pid = 0, .uid = RequestService::kNobody, .gid = 0};
  socklen_t size = sizeof peer;
  static_cast<void>(getsockopt(file, SOL_SOCKET, SO_PEERCRED, &peer, &size));
  auto connection = std::make_unique<RequestConnection>(file, limits_, peer.uid);
  if (connections_.size() >= limits_.connections)
    connections_.erase(
        std::min_element(connections_.begin(), connections_.end(),
                         [](const auto& a, const auto& b) { return a->quiet_since() < b->quiet_since(); }));
  connections_.push_back(std::move(connection));
  return true;
}

}  // namespace fallow::cli
