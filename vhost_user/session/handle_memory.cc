// The memory of the guest, set as a whole table or region by region.
#include <cinttypes>
#include <cstdio>

#include "vhost_user/session/message_handler.h"

namespace fallow::vhost {
namespace {

bool overlap(std::uint64_t a, std::uint64_t a_size, std::uint64_t b, std::uint64_t b_size) noexcept {
  return a < b ? b - a < a_size : a - b < b_size;
}

bool wraps(std::uint64_t from, std::uint64_t size) noexcept { return from + size < from; }

bool same_place(const Region& a, const Region& b) noexcept {
  return a.guest_address == b.guest_address && a.user_address == b.user_address && a.size == b.size;
}

}  // namespace

// Older Linux always sends a payload of two regions; bytes beyond `count` regions are ignored.
VhostVerdict MessageHandler::set_mem_table() noexcept {
  const auto table = message_.as<MemTable>();
  const std::size_t fds = message_.fds().size();
  if (table.count == 0) return refuse("no regions");
  if (table.count > max_slots()) return refuse("%u regions, where %u fit", table.count, max_slots());
  if (message_.payload().size() < sizeof table + table.count * sizeof(Region))
    return refuse("%u regions in a payload of %zu bytes", table.count, message_.payload().size());
  if (fds != table.count) return refuse("%zu descriptors for %u regions", fds, table.count);
  for (std::uint32_t i = 0; i < table.count; ++i) {
    next_.regions[i] = {message_.as<Region>(sizeof table + i * sizeof(Region)), message_.fds()[i]};
    next_.region_count = i + 1;
    if (const auto v = check_region(i); v != VhostVerdict::Done) return v;
  }
  return verdict_of(backend_.set_memory(next_.memory()), "memory");
}

VhostVerdict MessageHandler::add_mem_reg() noexcept {
  const std::uint32_t place = next_.region_count;
  if (place >= max_slots()) return refuse("all %u slots are taken", max_slots());
  next_.regions[place] = {message_.as<MemReg>().region, message_.fds()[0]};
  ++next_.region_count;
  if (const auto v = check_region(place); v != VhostVerdict::Done) return v;
  return verdict_of(backend_.add_region(next_.regions[place]), "memory");
}

// The offset in the file is not compared.
VhostVerdict MessageHandler::rem_mem_reg() noexcept {
  const Region wanted = message_.as<MemReg>().region;
  std::uint32_t place = 0;
  while (place < now_.region_count && !same_place(now_.regions[place].at, wanted)) ++place;
  if (place == now_.region_count) {
    return refuse("there is no region of 0x%" PRIx64 " bytes at 0x%" PRIx64 " (user address 0x%" PRIx64 ")",
                  wanted.size, wanted.guest_address, wanted.user_address);
  }
  for (std::uint32_t i = place + 1; i < now_.region_count; ++i) next_.regions[i - 1] = now_.regions[i];
  --next_.region_count;
  return verdict_of(backend_.remove_region(now_.regions[place]), "memory");
}

// Checks one region against those before it.
VhostVerdict MessageHandler::check_region(std::uint32_t which) noexcept {
  char owner[32];
  std::snprintf(owner, sizeof owner, " of region %u", which);
  const auto v = expect_memory_file(next_.regions[which].fd, owner);
  if (v != VhostVerdict::Done) return v;
  const Region& r = next_.regions[which].at;
  if (r.size == 0) return refuse("region %u is empty", which);
  if (wraps(r.guest_address, r.size) || wraps(r.user_address, r.size) || wraps(r.mmap_offset, r.size)) {
    return refuse("region %u, 0x%" PRIx64 " bytes at 0x%" PRIx64 " (user address 0x%" PRIx64
                  ", offset 0x%" PRIx64 "), goes beyond 64 bits",
                  which, r.size, r.guest_address, r.user_address, r.mmap_offset);
  }
  for (std::uint32_t i = 0; i < which; ++i) {
    const Region& other = next_.regions[i].at;
    if (overlap(r.guest_address, r.size, other.guest_address, other.size) ||
        overlap(r.user_address, r.size, other.user_address, other.size)) {
      return refuse("region %u, 0x%" PRIx64 " bytes at 0x%" PRIx64 " (user address 0x%" PRIx64
                    "), overlaps region %u",
                    which, r.size, r.guest_address, r.user_address, i);
    }
  }
  return VhostVerdict::Done;
}

}  // namespace fallow::vhost
