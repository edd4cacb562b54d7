#include "vhost_user/session/state.h"

namespace fallow::vhost {

bool Settings::guest_address(std::uint64_t user, std::uint64_t size, std::uint64_t& guest) const noexcept {
  for (const MemoryRegion& region : memory()) {
    const std::uint64_t offset = user - region.at.user_address;
    if (user < region.at.user_address || offset >= region.at.size) continue;
    if (size > region.at.size - offset) return false;
    guest = region.at.guest_address + offset;
    return true;
  }
  return false;
}

void begin_connection(State& state, int socket) noexcept {
  state = State{};
  for (int& fd : state.fds) fd = -1;
  state.socket = socket;
}

}  // namespace fallow::vhost
