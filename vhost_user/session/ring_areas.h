// The areas of a ring in the guest's memory, and the checks that they must pass.
#pragma once

#include <string>

#include "fallow/virtio/ring/detail/packed_layout.h"
#include "fallow/virtio/ring/detail/split_layout.h"
#include "fallow/virtio/ring/device_queue.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow::vhost {

inline ByteCount driver_area_bytes(const detail::QueueAddresses& at, bool packed) noexcept {
  return packed ? ByteCount{sizeof(detail::PvirtqEventSuppress)} : detail::AvailRing::bytes(at.size);
}
inline ByteCount device_area_bytes(const detail::QueueAddresses& at, bool packed) noexcept {
  return packed ? ByteCount{sizeof(detail::PvirtqEventSuppress)} : detail::UsedRing::bytes(at.size);
}

// Names for log messages.
struct RingAreaNames {
  const char *table, *driver_area, *device_area;
};
constexpr RingAreaNames ring_area_names(bool packed) noexcept {
  return packed ? RingAreaNames{"descriptor ring", "driver event area", "device event area"}
                : RingAreaNames{"descriptor table", "available ring", "used ring"};
}

// Returns the first reason why a device cannot serve the ring (its size, or the position of an area), or an
// empty string. The reason is a clause with the value found and the values allowed, to be put after the
// ring's name.
std::string ring_error(const GuestMemory& memory, const detail::QueueAddresses& at, std::uint32_t max_size,
                       bool packed);

// Split ring: the number of chains that the driver has made available and not got back. A number above the
// ring's size means that the memory does not hold a ring.
std::uint16_t chains_out(const GuestMemory& memory, const detail::QueueAddresses& at) noexcept;
// Split ring: the used index; 0 if the used ring is not in memory.
std::uint16_t used_index(const GuestMemory& memory, const detail::QueueAddresses& at) noexcept;

}  // namespace fallow::vhost
