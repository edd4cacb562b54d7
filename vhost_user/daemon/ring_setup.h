// Finds a ring in a guest's memory from the settings of a session, and checks its position.
#pragma once

#include <cstdint>
#include <string>

#include "fallow/balloon/device/balloon_device.h"
#include "fallow/virtio/ring/device_queue.h"
#include "fallow/virtio/ring/guest_memory.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

inline std::string queue_name(std::uint32_t vring) { return "queue " + std::to_string(vring); }

// Fills in where ring `vring` lies. Returns an empty string, or a sentence that says why the ring cannot be
// served.
std::string find_ring(const Settings& settings, std::uint32_t vring, const GuestMemory& memory,
                      std::uint32_t max_size, bool packed, detail::QueueAddresses& at);

// Fills in the position at which a ring with Vring::base `base` continues. Returns an empty string, or a
// sentence that says why the ring cannot have that base.
std::string find_position(const GuestMemory& memory, std::uint16_t queue, const detail::QueueAddresses& at,
                          std::uint32_t base, bool packed, QueuePosition& position);

// Says that the driver has no such queue, and which queues it has.
std::string unknown_queue_text(const BalloonDevice& device, std::uint16_t queue);

}  // namespace fallow::vhost
