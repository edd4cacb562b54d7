// A guest of a server, with its session. Internal to Server.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>

#include "vhost_user/daemon/server.h"
#include "vhost_user/session/session.h"

namespace fallow::vhost {

struct Server::Client {
  // The server's thread runs the session; the guest writes to `wakeup_fd` to wake that thread.
  Client(GuestRecord& in, int wakeup) : record(in), wakeup_fd(wakeup) {}
  ~Client() {
    session.reset();
    guest.reset();
    if (wakeup_fd >= 0) ::close(wakeup_fd);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  GuestRecord& record;
  int wakeup_fd;
  std::unique_ptr<BalloonGuest> guest;
  std::unique_ptr<Session> session;
  bool resuming = false;  // the session continues where another process stopped
  bool pending = false;   // the last step waits for the guest
  bool listens = false;   // the socket is watched
  bool closing = false;
  bool config_due = false;  // the front-end must still be told that the configuration changed
  std::string why;          // the reason for closing
};

}  // namespace fallow::vhost
