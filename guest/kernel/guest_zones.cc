#include "guest/kernel/guest_zones.h"

namespace fallow::guest {
namespace {

// Returns the span from the first to the last frame of the layout within [from, to).
FrameRange span_within(const MemoryLayout& layout, Pfn from, Pfn to) {
  FrameRange span;
  for (const FrameRange& piece : layout.pieces()) {
    const Pfn first = piece.first < from ? from : piece.first;
    const Pfn end = piece.end() < to ? piece.end() : to;
    if (first >= end) continue;
    if (span.count.raw == 0) span.first = first;
    span.count = end - span.first;
  }
  return span;
}

ByteCount tables_of(const MemoryLayout& layout, std::uint32_t caches) {
  ByteCount sum;
  for (const FrameRange& span : {span_within(layout, {0}, GuestZones::kLowEnd),
                                 span_within(layout, GuestZones::kLowEnd, MemoryLayout::kEnd)}) {
    if (span.count.raw != 0) sum = sum + Zone::metadata_size({span.first, span.count, caches});
  }
  return sum;
}

}  // namespace

void GuestZones::leave_out_far_pieces(MemoryLayout& layout, std::uint32_t cpus) noexcept {
  // Metadata costs about 2.2 bits a frame, so holes up to thirty times as large as the memory are accepted.
  constexpr std::uint64_t kSmall = 64 * 1024, kShare = 512;
  while (layout.pieces().size() > 1 &&
         tables_of(layout, cpus + 1).raw > kSmall + bytes(layout.total()).raw / kShare)
    layout.drop_last();
}

bool GuestZones::create(Port& port, EarlyMemory& memory, const MemoryLayout& layout,
                        std::uint32_t cpus) noexcept {
  cpus_ = cpus;
  const std::uint32_t caches = cpus + 1;
  accounts_ = memory.take_array<Account>(cpus);
  if (accounts_.empty()) return false;
  const FrameRange spans[] = {span_within(layout, {0}, kLowEnd),
                              span_within(layout, kLowEnd, MemoryLayout::kEnd)};
  for (const FrameRange& span : spans) {
    if (span.count.raw == 0) continue;
    const ZoneConfig config{span.first, span.count, caches};
    const Result<Zone*> made = Zone::create(port, config, memory.take_bytes(Zone::metadata_size(config)));
    if (!made.ok()) return false;
    zones_[count_++] = made.value();
  }
  return count_ != 0;
}

bool GuestZones::withhold_holes(const MemoryLayout& layout) noexcept {
  PfnCount left;
  for (Zone* const zone : all()) {
    const Pfn end = zone->base() + zone->size();
    Pfn at = zone->base();
    for (const FrameRange& piece : layout.pieces()) {
      const Pfn first = piece.first < zone->base() ? zone->base() : piece.first;
      const Pfn last = piece.end() < end ? piece.end() : end;
      if (first >= last) continue;
      if (at < first && zone->reserve(at, first - at) != Status::Ok) return false;
      left += last - first;
      at = last;
    }
    if (at < end && zone->reserve(at, end - at) != Status::Ok) return false;
  }
  return left.raw != 0;
}

Allocation GuestZones::allocate(std::uint32_t cpu, Order order, Mobility mobility) noexcept {
  for (std::size_t i = count_; i-- > 0;) {
    const Allocation got = zones_[i]->cache(cpu).allocate(order, mobility);
    if (!got.ok()) continue;
    bump(accounts_[cpu].allocations);
    return got;
  }
  return {};
}

Status GuestZones::free(std::uint32_t cpu, Pfn pfn, Order order) noexcept {
  const std::size_t i = count_ == 2 && pfn < zones_[1]->base() ? 0 : count_ - 1;
  const Status status = zones_[i]->cache(cpu).free(pfn, order);
  if (status == Status::Ok) bump(accounts_[cpu].frees);
  return status;
}

void GuestZones::drain(std::uint32_t cpu) noexcept {
  for (Zone* const zone : all()) zone->cache(cpu).drain();
}

void GuestZones::retire(std::uint32_t cpu) noexcept {
  for (Zone* const zone : all()) zone->cache(cpu).retire();
}

MemoryFigures GuestZones::figures() const noexcept {
  MemoryFigures sum;
  for (const Zone* const zone : all()) {
    const ZoneStats stats = zone_stats(*zone);
    sum.free += stats.free;
    // The counters are not a consistent snapshot, because other CPUs update them meanwhile; clamp at 0.
    sum.used += stats.used > zone->reserved() ? stats.used - zone->reserved() : PfnCount{};
    sum.reported += stats.reported;
    sum.cached += stats.cached;
    sum.refaults += stats.refaults;
    sum.misuses += zone->misuse().count;
  }
  return sum;
}

std::uint64_t GuestZones::sum(std::atomic<std::uint64_t> Account::*member) const noexcept {
  std::uint64_t n = 0;
  for (const Account& account : accounts_) n += (account.*member).load(std::memory_order_relaxed);
  return n;
}

}  // namespace fallow::guest
