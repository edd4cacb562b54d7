// The memory of the guest, set as a whole table or region by region.
#include <cinttypes>
#include <cstdio>

#include "vhost_user/session/request_handlers.h"

namespace fallow::vhost {
namespace {

bool overlap(std::uint64_t a, std::uint64_t a_size, std::uint64_t b, std::uint64_t b_size) noexcept {
  return a < b ? b - a < a_size : a - b < b_size;
}

bool wraps(std::uint64_t from, std::uint64_t size) noexcept { return from + size < from; }

bool same_range(const Region& a, const Region& b) noexcept {
  return a.guest_address == b.guest_address && a.user_address == b.user_address && a.size == b.size;
}

// Checks one region against those before it.
Verdict check_region(MessageContext& m, std::uint32_t which) noexcept {
  char owner[32];
  std::snprintf(owner, sizeof owner, " of region %u", which);
  const auto v = m.expect_memory_file(m.next.regions[which].fd, owner);
  if (v != Verdict::Done) return v;
  const Region& r = m.next.regions[which].at;
  if (r.size == 0) return m.refuse("region %u is empty", which);
  if (wraps(r.guest_address, r.size) || wraps(r.user_address, r.size) || wraps(r.mmap_offset, r.size)) {
    return m.refuse("region %u, 0x%" PRIx64 " bytes at 0x%" PRIx64 " (user address 0x%" PRIx64
                    ", offset 0x%" PRIx64 "), exceeds 64 bits",
                    which, r.size, r.guest_address, r.user_address, r.mmap_offset);
  }
  for (std::uint32_t i = 0; i < which; ++i) {
    const Region& other = m.next.regions[i].at;
    if (overlap(r.guest_address, r.size, other.guest_address, other.size) ||
        overlap(r.user_address, r.size, other.user_address, other.size)) {
      return m.refuse("region %u, 0x%" PRIx64 " bytes at 0x%" PRIx64 " (user address 0x%" PRIx64
                      "), overlaps region %u",
                      which, r.size, r.guest_address, r.user_address, i);
    }
  }
  return Verdict::Done;
}

}  // namespace

// Older Linux always sends a payload of two regions; bytes beyond `count` regions are ignored.
Verdict set_mem_table(MessageContext& m) noexcept {
  const auto table = m.message.as<MemTable>();
  const std::size_t fds = m.message.fds().size();
  if (table.count == 0) return m.refuse("the table has no regions");
  if (table.count > m.max_slots())
    return m.refuse("%u regions exceed the limit of %u", table.count, m.max_slots());
  if (m.message.payload().size() < sizeof table + table.count * sizeof(Region))
    return m.refuse("%u regions need a payload of at least %zu bytes, not %zu", table.count,
                    sizeof table + table.count * sizeof(Region), m.message.payload().size());
  if (fds != table.count)
    return m.refuse("%zu descriptors for %u regions; one for each is expected", fds, table.count);
  for (std::uint32_t i = 0; i < table.count; ++i) {
    m.next.regions[i] = {m.message.as<Region>(sizeof table + i * sizeof(Region)), m.message.fds()[i]};
    m.next.region_count = i + 1;
    if (const auto v = check_region(m, i); v != Verdict::Done) return v;
  }
  return m.verdict_of(m.backend.set_memory(m.next.memory()), "memory");
}

Verdict add_mem_reg(MessageContext& m) noexcept {
  const std::uint32_t slot = m.next.region_count;
  if (slot >= m.max_slots()) return m.refuse("all %u memory slots are in use", m.max_slots());
  m.next.regions[slot] = {m.message.as<MemReg>().region, m.message.fds()[0]};
  ++m.next.region_count;
  if (const auto v = check_region(m, slot); v != Verdict::Done) return v;
  return m.verdict_of(m.backend.add_region(m.next.regions[slot]), "memory");
}

// The offset in the file is not compared.
Verdict rem_mem_reg(MessageContext& m) noexcept {
  const Region wanted = m.message.as<MemReg>().region;
  std::uint32_t slot = 0;
  while (slot < m.now.region_count && !same_range(m.now.regions[slot].at, wanted)) ++slot;
  if (slot == m.now.region_count) {
    return m.refuse("there is no region of 0x%" PRIx64 " bytes at 0x%" PRIx64 " (user address 0x%" PRIx64 ")",
                    wanted.size, wanted.guest_address, wanted.user_address);
  }
  for (std::uint32_t i = slot + 1; i < m.now.region_count; ++i) m.next.regions[i - 1] = m.now.regions[i];
  --m.next.region_count;
  return m.verdict_of(m.backend.remove_region(m.now.regions[slot]), "memory");
}

}  // namespace fallow::vhost
