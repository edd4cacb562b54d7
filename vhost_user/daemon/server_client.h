// A guest of a server, with its session. The server's own.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>

#include "vhost_user/daemon/server.h"
#include "vhost_user/session/session.h"

namespace fallow::vhost {

struct Server::Client {
  // Its session's thread is the server's; `bell` is what the guest wakes it with.
  Client(GuestRecord& in, int wake) : record(in), bell(wake) {}
  ~Client() {
    session.reset();
    guest.reset();
    if (bell >= 0) ::close(bell);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  GuestRecord& record;
  int bell;
  std::unique_ptr<BalloonGuest> guest;
  std::unique_ptr<Session> session;
  bool resuming = false;  // the session goes on where another process left
  bool pending = false;   // the last step waits for the guest
  bool listens = false;   // the socket is watched
  bool closing = false;
  bool config_due = false;  // the front-end has yet to hear that the configuration changed
  std::string why;          // it closes
};

}  // namespace fallow::vhost
