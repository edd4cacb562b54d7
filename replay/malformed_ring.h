// A ring that breaks the rules of the ring: a device that serves it has to ask for a reset.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/base/units.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"

namespace fallow::replay {

inline constexpr ByteCount kRingTrapSize{4096};

// Writes the trap to `memory`, kRingTrapSize long, which lies at `address` of guest memory and which no
// device serves at the moment. Returns what to tell the device.
detail::QueueAddresses set_ring_trap(std::span<std::byte> memory, GuestPhys address, bool packed) noexcept;

}  // namespace fallow::replay
