#include "vhost_user/session/ring_areas.h"

#include <bit>
#include <cinttypes>
#include <cstdio>

#include "fallow/virtio/ring/detail/map_ring_area.h"

namespace fallow::vhost {
namespace {

struct Area {
  const char* name;
  GuestPhys at;
  ByteCount size;
  std::uint64_t alignment;
};

std::string text_of(const char* format, const Area& area, std::uint64_t number) {
  char text[160];
  std::snprintf(text, sizeof text, format, area.name, area.size.raw, area.at.raw, number);
  return text;
}

}  // namespace

std::string ring_error(const GuestMemory& memory, const detail::QueueAddresses& at, std::uint32_t max_size,
                       bool packed) {
  if (at.size == 0 || at.size > max_size) {
    return "its size of " + std::to_string(at.size) + " entries is not within 1 to " +
           std::to_string(max_size);
  }
  if (!packed && !std::has_single_bit(at.size))
    return "its size of " + std::to_string(at.size) + " entries is not a power of two";
  const ByteCount table{at.size * sizeof(detail::VirtqDesc)};
  const RingAreaNames names = ring_area_names(packed);
  const std::uint64_t event = sizeof(detail::PvirtqEventSuppress);
  const Area areas[] = {{names.table, at.descriptors, table, sizeof(detail::VirtqDesc)},
                        {names.driver_area, at.driver_area, driver_area_bytes(at, packed),
                         packed ? event : detail::AvailRing::kAlignment},
                        {names.device_area, at.device_area, device_area_bytes(at, packed),
                         packed ? event : detail::UsedRing::kAlignment}};
  for (const Area& area : areas) {
    if (area.at.raw % area.alignment != 0) {
      return text_of("its %s of %" PRIu64 " bytes at 0x%" PRIx64 " is not %" PRIu64 "-byte aligned", area,
                     area.alignment);
    }
    if (memory.translate(area.at, area.size) == nullptr)
      return text_of("its %s of %" PRIu64 " bytes at 0x%" PRIx64
                     " does not lie in one region of the guest's memory",
                     area, 0);
    if (detail::ring_area(memory, area.at, area.size, area.alignment) == nullptr)
      return text_of("its %s of %" PRIu64 " bytes at 0x%" PRIx64
                     " lies in a region whose file offset is not page-aligned",
                     area, 0);
  }
  return {};
}

std::uint16_t used_index(const GuestMemory& memory, const detail::QueueAddresses& at) noexcept {
  std::byte* const used = memory.translate(at.device_area, detail::UsedRing::bytes(at.size));
  return used == nullptr ? std::uint16_t{0} : detail::UsedRing(used, at.size).idx().load();
}

std::uint16_t chains_out(const GuestMemory& memory, const detail::QueueAddresses& at) noexcept {
  std::byte* const avail = memory.translate(at.driver_area, detail::AvailRing::bytes(at.size));
  if (avail == nullptr) return 0;
  return static_cast<std::uint16_t>(detail::AvailRing(avail, at.size).idx().load() - used_index(memory, at));
}

}  // namespace fallow::vhost
