// Writes a ring that violates the virtio specification. A device that serves this ring must set
// DEVICE_NEEDS_RESET.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/base/units.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"

namespace fallow::replay {

inline constexpr ByteCount kMalformedRingSize{4096};

// Writes the ring to `memory`, which has kMalformedRingSize bytes and lies at `address` in guest memory. No
// device may serve the ring during the call. Returns the addresses to configure the queue with.
detail::QueueAddresses write_malformed_ring(std::span<std::byte> memory, GuestPhys address,
                                            bool packed) noexcept;

}  // namespace fallow::replay
