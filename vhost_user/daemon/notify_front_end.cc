#include "vhost_user/daemon/notify_front_end.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace fallow::vhost {

void add_one(int event_fd) noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(event_fd, &one, sizeof one));
}

void notify_front_end(int fd) noexcept {
  const std::uint64_t one = 1;
  if (send(fd, &one, sizeof one, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno != ENOTSOCK) return;
  pollfd ready{fd, POLLOUT, 0};
  if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0) add_one(fd);
}

const int kInterruptSignal = SIGURG;

bool handle_interrupt_signal() noexcept {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART
  return sigaction(kInterruptSignal, &action, nullptr) == 0;
}

}  // namespace fallow::vhost
