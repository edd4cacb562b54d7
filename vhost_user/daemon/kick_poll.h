// The events that a guest's thread waits for: the kick descriptors of rings, and a wakeup from the daemon's
// thread.
#pragma once

#include <cstdint>
#include <string>

namespace fallow::vhost {

class KickPoll {
 public:
  KickPoll() = default;
  ~KickPoll();
  KickPoll(const KickPoll&) = delete;
  KickPoll& operator=(const KickPoll&) = delete;

  // Opens the descriptors. Returns an empty string, or what failed.
  std::string open();

  // Makes wait() return. Thread-safe.
  void wake() noexcept;
  // Waits for kicks or a wakeup, and returns the kicked rings as a bit mask. For the guest's thread.
  std::uint32_t wait() noexcept;

  // Each write to `kick` makes wait() return. The descriptor is never read: the front-end may use it in any
  // way. Returns 0, also if the descriptor is watched already, or an errno value. Thread-safe.
  int watch(std::uint32_t ring, int kick) noexcept;
  // Does nothing for -1. Thread-safe.
  void unwatch(int kick) noexcept;

 private:
  int epoll_ = -1, wakeup_ = -1;
};

}  // namespace fallow::vhost
