// Answers requests on a socket that listens: one client after the other, and several connected at once.
//
// A thread of its own, which uses accept4, poll, recvfrom, sendto, close, futex and clock_gettime, and what
// its service does. Created: eventfd2, fcntl, clone. Nothing that a client does delays the daemon.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/control/request_connection.h"
#include "fallow/host/expected.h"

namespace fallow::cli {

// What the requests are. The server's thread, except close().
class RequestService {
 public:
  struct Answer {
    std::string bytes;
    bool last = false;  // the connection ends after it
  };

  virtual ~RequestService() = default;

  // `user`: who connected, as the kernel says; kNobody: it does not, as for TCP.
  static constexpr uid_t kNobody = ~uid_t{0};
  virtual Answer answer(const std::string& request, uid_t user) = 0;
  // To a request of more than `most` bytes; the connection ends after it.
  virtual std::string refuse_long(std::size_t most) = 0;
  // From now on answers do not wait for anything. Any thread.
  virtual void close() noexcept = 0;
};

class RequestServer {
 public:
  // `listening_fd`, a stream socket that is bound and listens, stays the caller's, and is set not to block.
  // `what` names the socket in errors: "the control socket".
  static Expected<RequestServer> create(const char* what, int listening_fd,
                                        std::unique_ptr<RequestService> service, const RequestLimits& limits);
  // Ends all connections. Takes no longer than an answer that is being worked out.
  ~RequestServer();
  RequestServer(const RequestServer&) = delete;
  RequestServer& operator=(const RequestServer&) = delete;

 private:
  using Clock = RequestConnection::Clock;

  RequestServer(int listening_fd, int wake, std::unique_ptr<RequestService> service,
                const RequestLimits& limits);
  void serve();
  void serve_once();
  int time_to_wait() const;
  bool accept_one();
  void attend(RequestConnection& connection);

  const int listening_, wake_;
  const std::unique_ptr<RequestService> service_;
  const RequestLimits limits_;
  std::vector<std::unique_ptr<RequestConnection>> connections_;
  Clock::time_point no_accept_before_{};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace fallow::cli
