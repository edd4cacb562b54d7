// The element that a descriptor describes, and the addresses of the areas of a queue.
#pragma once

#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::detail {

// One element of a chain. Readable elements come before writable ones (virtio 1.2, 2.7.4.2).
struct QueueBuffer {
  GuestPhys address;
  std::uint32_t length = 0;
  bool device_writable = false;
};

// Copies member by member: a copy of a whole element that was just written would wait until the stores reach
// the cache.
constexpr void copy_members(QueueBuffer& to, const QueueBuffer& from) noexcept {
  to.address = from.address;
  to.length = from.length;
  to.device_writable = from.device_writable;
}

// The addresses of a queue in guest memory: for a split ring the descriptor table, the available ring and the
// used ring; for a packed ring the descriptor ring and the driver and device event suppression structures
// (2.6).
struct QueueAddresses {
  std::uint16_t size = 0;
  GuestPhys descriptors, driver_area, device_area;
  friend constexpr bool operator==(const QueueAddresses&, const QueueAddresses&) noexcept = default;
};

// The negotiated features of the ring.
struct RingOptions {
  bool packed = false;
  bool event_index = false;
  bool indirect = false;
};

}  // namespace fallow::detail
