// Answers requests on a listening socket, one at a time, for several connected clients.
//
// The server has its own thread, so a client cannot delay the daemon. System calls of the thread: accept4,
// poll, recvfrom, sendto, close, futex, clock_gettime and those of the service. Creation uses eventfd2, fcntl
// and clone.
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

// Interprets the requests. Called from the server's thread, except for close().
class RequestService {
 public:
  struct Answer {
    std::string bytes;
    bool last = false;  // close the connection after it
  };

  virtual ~RequestService() = default;

  // `user` is the client's user as reported by the kernel, or kNobody if unknown, as for TCP.
  static constexpr uid_t kNobody = ~uid_t{0};
  virtual Answer answer(const std::string& request, uid_t user) = 0;
  // Returns the answer to a request of more than `most` bytes. The connection is closed after it.
  virtual std::string refuse_long(std::size_t most) = 0;
  // Makes current and later answers return without waiting. Any thread may call it.
  virtual void close() noexcept = 0;
};

class RequestServer {
 public:
  // `listening_fd` is a listening stream socket. The caller keeps ownership; the function makes it
  // non-blocking. `what` names the socket in errors: "the control socket".
  static Expected<RequestServer> create(const char* what, int listening_fd,
                                        std::unique_ptr<RequestService> service, const RequestLimits& limits);
  // Closes all connections. Waits at most for the answer in progress.
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
