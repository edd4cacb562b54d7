#include "vhost_user/daemon/kick_poll.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "fallow/host/detail/system_error.h"
#include "vhost_user/daemon/notify_front_end.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {
namespace {

constexpr std::uint32_t kWakeup = kVhostMaxVrings;  // after the rings

}  // namespace

KickPoll::~KickPoll() {
  if (wakeup_ >= 0) close(wakeup_);
  if (epoll_ >= 0) close(epoll_);
}

std::string KickPoll::open() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wakeup_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{.events = EPOLLIN, .data = {.u32 = kWakeup}};
  if (epoll_ < 0 || wakeup_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) != 0)
    return detail::system_error_text("a guest", "epoll", errno);
  return {};
}

void KickPoll::wake() noexcept { add_one(wakeup_); }

std::uint32_t KickPoll::wait() noexcept {
  constexpr int kEvents = 16;
  epoll_event events[kEvents];
  const int n = epoll_wait(epoll_, events, kEvents, -1);
  std::uint32_t rings = 0;
  for (int i = 0; i < n; ++i) {
    const std::uint32_t which = events[i].data.u32;
    if (which == kWakeup) {
      std::uint64_t count = 0;
      static_cast<void>(!::read(wakeup_, &count, sizeof count));
    } else {
      rings |= 1U << which;
    }
  }
  return rings;
}

int KickPoll::watch(std::uint32_t ring, int kick) noexcept {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u32 = ring}};
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, kick, &event) == 0 || errno == EEXIST ? 0 : errno;
}

void KickPoll::unwatch(int kick) noexcept {
  if (kick >= 0) static_cast<void>(epoll_ctl(epoll_, EPOLL_CTL_DEL, kick, nullptr));
}

}  // namespace fallow::vhost
