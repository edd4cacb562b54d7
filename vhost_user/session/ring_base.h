// The position at which a ring continues, in the protocol's encoding: Vring::base.
#pragma once

#include <cstdint>

#include "fallow/virtio/ring/device_queue.h"

namespace fallow::vhost {

// Split: the next available entry; the ring itself holds the used index. Packed: both, with the used position
// in the upper half.
constexpr std::uint32_t ring_base(QueuePosition position, bool packed) noexcept {
  return packed ? position.next_avail | std::uint32_t{position.next_used} << 16 : position.next_avail;
}

// The base of a ring that a driver has just set up. Front-ends that do not know wrap counters send 0.
constexpr bool is_fresh_base(std::uint32_t base, bool packed) noexcept {
  return base == 0 || (packed && base == ring_base(QueuePosition::fresh(true), true));
}

}  // namespace fallow::vhost
