// The daemon's control socket: answers `fallow ctl` and `fallow top`, one JSON object a line each way.
//
//   {"command":"list"}                                  {"ok":true,"guests":[{"guest":1,...}]}
//   {"command":"statistics","guest":1}                  the same, of one guest
//   {"command":"target","guest":1,"size":67108864}      {"ok":true}
//   {"command":"pause","guest":9}, "resume"             {"ok":false,"error":"there is no guest 9; ..."}
//
// A thread of its own, which uses accept4, poll, recvfrom, sendto, close, futex and clock_gettime, and what
// Server::post() does. Created: eventfd2, fcntl, clone. Nothing that a client does delays the server.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "apps/fallow/control_connection.h"
#include "apps/fallow/control_desk.h"
#include "fallow/host/created.h"

namespace fallow {

class Server;

class ControlServer {
 public:
  // `listening_fd`, a stream socket that is bound and listens, stays the caller's, and is set not to block.
  // `sockets`: the paths of the daemon's sockets in the order of ServerOptions::listeners, for the answers.
  // `server` must outlive the control server.
  static Created<ControlServer> create(int listening_fd, Server& server,
                                       std::vector<std::string> sockets = {});
  static Created<ControlServer> create(int listening_fd, std::unique_ptr<ControlDesk> desk,
                                       std::vector<std::string> sockets = {}, ControlLimits limits = {});
  // Ends all connections. Takes no longer than an answer that is being worked out.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

 private:
  using Clock = ControlConnection::Clock;

  ControlServer(int listening_fd, int wake, std::unique_ptr<ControlDesk> desk,
                std::vector<std::string> sockets, ControlLimits limits);
  void serve();
  void serve_once();
  int time_to_wait() const;
  void accept_one();
  void attend(ControlConnection& connection);

  const int listening_, wake_;
  const std::unique_ptr<ControlDesk> desk_;
  const std::vector<std::string> sockets_;
  const ControlLimits limits_;
  std::vector<std::unique_ptr<ControlConnection>> connections_;
  Clock::time_point no_accept_before_{};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace fallow
