// What a descriptor describes, and where the parts of a queue lie.
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

// Member by member: where `from` was written just before, a copy of the whole waits until its parts are in
// cache.
constexpr void copy_members(QueueBuffer& to, const QueueBuffer& from) noexcept {
  to.address = from.address;
  to.length = from.length;
  to.device_writable = from.device_writable;
}

// Where a queue lies in guest memory: for a split ring the descriptor table, the available and the used ring;
// for a packed one the descriptor ring, the driver and the device event suppression structure (2.6).
struct QueueAddresses {
  std::uint16_t size = 0;
  GuestPhys descriptors, driver_area, device_area;
  friend constexpr bool operator==(const QueueAddresses&, const QueueAddresses&) noexcept = default;
};

// What of the ring features was negotiated.
struct RingOptions {
  bool packed = false;
  bool event_index = false;
  bool indirect = false;
};

}  // namespace fallow::detail
