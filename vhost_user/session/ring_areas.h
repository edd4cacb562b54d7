// The areas of a ring in the guest's memory, and what a ring may be like.
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

// For people.
struct RingAreaNames {
  const char *table, *driver_area, *device_area;
};
constexpr RingAreaNames ring_area_names(bool packed) noexcept {
  return packed ? RingAreaNames{"descriptor ring", "driver event area", "device event area"}
                : RingAreaNames{"descriptor table", "available ring", "used ring"};
}

// Empty, or the first thing that keeps a device from serving the ring: its size, where an area lies. One
// sentence with what was found and what is allowed, which goes on after the ring's name.
std::string ring_obstacle(const GuestMemory& memory, const detail::QueueAddresses& at, std::uint32_t max_size,
                          bool packed);

// Split: how many chains the driver has made available, and has not got back. More than the ring's size: the
// ring is no ring.
std::uint16_t chains_out(const GuestMemory& memory, const detail::QueueAddresses& at) noexcept;
// Split: the used index. 0 if it is not in memory.
std::uint16_t used_index(const GuestMemory& memory, const detail::QueueAddresses& at) noexcept;

}  // namespace fallow::vhost
