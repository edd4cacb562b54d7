#include "vhost_user/daemon/ring_setup.h"

#include <cinttypes>
#include <cstdio>

#include "fallow/virtio/ring/detail/packed_position.h"
#include "vhost_user/protocol/queue_list.h"
#include "vhost_user/session/ring_areas.h"

namespace fallow::vhost {

std::string find_ring(const Settings& settings, std::uint32_t vring, const GuestMemory& memory,
                      std::uint32_t max_size, bool packed, detail::QueueAddresses& at) {
  const Vring& ring = settings.vrings[vring];
  at.size = static_cast<std::uint16_t>(ring.size);
  const RingAreaNames names = ring_area_names(packed);
  const auto find = [&](const char* name, std::uint64_t user, ByteCount size,
                        GuestPhys& guest) -> std::string {
    if (settings.guest_address(user, size.raw, guest.raw)) return {};
    char text[200];
    std::snprintf(text, sizeof text,
                  "queue %u cannot be served: its %s of %" PRIu64 " bytes at user address 0x%" PRIx64
                  " does not lie in one region of the guest's memory",
                  vring, name, size.raw, user);
    return text;
  };
  std::string why =
      find(names.table, ring.descriptors, {at.size * sizeof(detail::VirtqDesc)}, at.descriptors);
  if (why.empty())
    why = find(names.driver_area, ring.available, driver_area_bytes(at, packed), at.driver_area);
  if (why.empty()) why = find(names.device_area, ring.used, device_area_bytes(at, packed), at.device_area);
  if (!why.empty()) return why;
  why = ring_error(memory, at, max_size, packed);
  return why.empty() ? why : queue_name(vring) + " cannot be served: " + why;
}

// A split ring itself records how many chains were returned. The chains between that index and the base were
// taken and not returned by a back-end; there are never more of them than the ring has entries. With a base
// behind the index, the device would take chains again that the driver has got back and whose pages it may
// use.
std::string find_position(const GuestMemory& memory, std::uint16_t queue, const detail::QueueAddresses& at,
                          std::uint32_t base, bool packed, QueuePosition& position) {
  position = {static_cast<std::uint16_t>(base), static_cast<std::uint16_t>(base >> 16)};
  if (packed) {
    const detail::PackedPosition avail = detail::PackedPosition::decode(position.next_avail);
    const detail::PackedPosition used = detail::PackedPosition::decode(position.next_used);
    if (avail.offset < at.size && used.offset < at.size && detail::distance(used, avail, at.size) <= at.size)
      return {};
    return queue_name(queue) + " cannot be served: both halves of its base " + std::to_string(base) +
           " must be below its size of " + std::to_string(at.size) +
           ", and the upper half (used) must be at most that far behind the lower half (available)";
  }
  position.next_used = used_index(memory, at);
  const auto taken = static_cast<std::uint16_t>(position.next_avail - position.next_used);
  if (taken <= at.size) return {};
  return queue_name(queue) + " cannot be served: its base " + std::to_string(base) + " is not within 0 to " +
         std::to_string(at.size) + " entries (its size) after its used index " +
         std::to_string(position.next_used);
}

std::string unknown_queue_text(const BalloonDevice& device, std::uint16_t queue) {
  std::string text = queue_name(queue) + " does not exist for this driver; its queues are";
  const char* before = " ";
  for (const QueueNumbers numbers :
       {QueueNumbers::WithoutGaps, QueueNumbers::AsPrinted, QueueNumbers::OverOffered}) {
    text += before + queue_list(device, numbers) + " (" + describe(numbers) + ")";
    before = ", or ";
  }
  return text;
}

}  // namespace fallow::vhost
