// Where a ring goes on, as the protocol has it: Vring::base.
#pragma once

#include <cstdint>

#include "fallow/virtio/ring/device_queue.h"

namespace fallow::vhost {

// Split: the next available entry, the next used one being in the ring. Packed: both, the used one in the
// upper half.
constexpr std::uint32_t ring_base(QueuePosition position, bool packed) noexcept {
  return packed ? position.next_avail | std::uint32_t{position.next_used} << 16 : position.next_avail;
}

// What a driver that begins has. 0 is that of front-ends that know nothing of wrap counters.
constexpr bool is_fresh_base(std::uint32_t base, bool packed) noexcept {
  return base == 0 || (packed && base == ring_base(QueuePosition::fresh(true), true));
}

}  // namespace fallow::vhost
