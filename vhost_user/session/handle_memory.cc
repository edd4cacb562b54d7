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

bool same_range(const Region& a, const Region& b) noexcept {
  return a.guest_address == b.guest_address && a.user_address == b.user_address && a.size == b.size;
}

}  // namespace

// Older Linux always sends a payload of two regions; bytes beyond `count` regions are ignored.
Verdict MessageHandler::set_mem_table() noexcept {
  const auto table = message_.as<MemTable>();
  const std::size_t fds = message_.fds().size();
  if (table.count == 0) return refuse("the table has no regions");
  if (table.count > max_slots()) return refuse("%u regions exceed the limit of %u", table.count, max_slots());
  if (message_.payload().size() < sizeof table + table.count * sizeof(Region))
    return refuse("%u regions need a payload of at least %zu bytes, not %zu", table.count,
                  sizeof table + table.count * sizeof(Region), message_.payload().size());
  if (fds != table.count)
    return refuse("%zu descriptors for %u regions; one for each is expected", fds, table.count);
  for (std::uint32_t i = 0; i < table.count; ++i) {
    next_.regions[i] = {message_.as<Region>(sizeof table + i * sizeof(Region)), message_.fds()[i]};
    next_.region_count = i + 1;
    if (const auto v = check_region(i); v != Verdict::Done) return v;
  }
  return verdict_of(backend_.set_memory(next_.memory()), "memory");
}

Verdict MessageHandler::add_mem_reg() noexcept {
  const std::uint32_t slot = next_.region_count;
  if (slot >= max_slots()) return refuse("all %u memory slots are in use", max_slots());
  next_.regions[slot] = {message_.as<MemReg>().region, message_.fds()[0]};
  ++next_.region_count;
  if (const auto v = check_region(slot); v != Verdict::Done) return v;
  return verdict_of(backend_.add_region(next_.regions[slot]), "memory");
}

// The offset in the file is not compared.
Verdict MessageHandler::rem_mem_reg() noexcept {
  const Region wanted = message_.as<MemReg>().region;
  std::uint32_t slot = 0;
  while (slot < now_.region_count && !same_range(now_.regions[slot].at, wanted)) ++slot;
  if (slot == now_.region_count) {
    return refuse("there is no region of 0x%" PRIx64 " bytes at 0x%" PRIx64 " (user address 0x%" PRIx64 ")",
                  wanted.size, wanted.guest_address, wanted.user_address);
  }
  for (std::uint32_t i = slot + 1; i < now_.region_count; ++i) next_.regions[i - 1] = now_.regions[i];
  --next_.region_count;
  return verdict_of(backend_.remove_region(now_.regions[slot]), "memory");
}

// Checks one region against those before it.
Verdict MessageHandler::check_region(std::uint32_t which) noexcept {
  char owner[32];
  std::snprintf(owner, sizeof owner, " of region %u", which);
  const auto v = expect_memory_file(next_.regions[which].fd, owner);
  if (v != Verdict::Done) return v;
  const Region& r = next_.regions[which].at;
  if (r.size == 0) return refuse("region %u is empty", which);
  if (wraps(r.guest_address, r.size) || wraps(r.user_address, r.size) || wraps(r.mmap_offset, r.size)) {
    return refuse("region %u, 0x%" PRIx64 " bytes at 0x%" PRIx64 " (user address 0x%" PRIx64
                  ", offset 0x%" PRIx64 "), exceeds 64 bits",
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
  return Verdict::Done;
}

}  // namespace fallow::vhost
