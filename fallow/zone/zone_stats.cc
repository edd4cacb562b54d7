#include "fallow/zone/zone_stats.h"

#include "fallow/zone/zone.h"

#include "fallow/zone/detail/runs.h"
#include "fallow/zone/local_cache.h"

namespace fallow {
namespace {

struct Sums {
  explicit Sums(const Zone& zone) {
    for (std::uint32_t i = 0; i < zone.cache_count(); ++i) {
      const CacheCounts c = zone.cache(i).counts();
      out += c.taken - c.returned;
      held += c.in_hands + c.pending;
      reported_taken += c.reported_taken;
      refaults += c.refaults;
    }
  }
  std::uint64_t out = 0, held = 0, reported_taken = 0, refaults = 0;
};

// A difference of counters that other threads change meanwhile may be slightly negative.
constexpr std::uint64_t floor_zero(std::uint64_t n) { return n >> 63 != 0 ? 0 : n; }

bool wholly_free(detail::BlockEntry e) { return e.used() == 0 && !e.splitting(); }

detail::BlockBits frames_of(const Zone& zone, std::uint32_t block, bool reported) {
  detail::BlockBits bits;
  for (unsigned w = 0; w < detail::kBlockWords; ++w) {
    const detail::FrameWord word{
        zone.tables().word(std::uint64_t{block} * detail::kBlockWords + w).load(std::memory_order_relaxed)};
    bits.word[w] = word.free() & (reported ? word.report_bits() : detail::kWholeWord);
  }
  return bits;
}

// Counts the runs of an area of which every frame is reported.
std::uint64_t reported_runs(const detail::BlockBits& area, const detail::BlockBits& reported,
                            unsigned order) {
  detail::BlockBits both;
  for (unsigned w = 0; w < detail::kBlockWords; ++w) both.word[w] = area.word[w] & reported.word[w];
  return detail::count_bits(detail::aligned_runs(both, order)) >> order;
}

}  // namespace

PfnCount free_frames(const Zone& zone) noexcept {
  const Sums sums(zone);
  const std::uint64_t isolated = zone.tables().reports().isolated.load(std::memory_order_relaxed);
  return {floor_zero(zone.size().raw - zone.reserved().raw - sums.out - isolated)};
}

ZoneStats zone_stats(const Zone& zone) noexcept {
  const Sums sums(zone);
  ZoneStats s;
  s.size = zone.size();
  s.isolated = {zone.tables().reports().isolated.load(std::memory_order_relaxed)};
  s.used = {floor_zero(zone.reserved().raw + sums.out - sums.held)};
  s.free = {floor_zero(s.size.raw - s.used.raw - s.isolated.raw)};
  s.reported = {floor_zero(zone.tables().reports().reported_given.load(std::memory_order_relaxed) -
                           sums.reported_taken)};
  s.cached = {sums.held};
  s.refaults = {sums.refaults};
  return s;
}

FreeArea free_area(const Zone& zone, Order order) noexcept {
  FreeArea area;
  for (std::uint32_t b = 0; b < zone.tables().blocks(); ++b) {
    const detail::BlockEntry e = zone.tables().entry(b);
    if (e.used() >= detail::kBlockFrames) continue;
    if (wholly_free(e)) {
      const detail::BlockEntry buddy = zone.tables().entry(b ^ 1);
      const bool pair = wholly_free(buddy);
      if ((pair ? kMaxOrder : detail::kBlockOrder) != order || (pair && b % 2 != 0)) continue;
      area.nr_free += 1;
      area.nr_reported += e.reported_frames() == detail::kBlockFrames &&
                                  (!pair || buddy.reported_frames() == detail::kBlockFrames)
                              ? 1
                              : 0;
      continue;
    }
    if (order >= detail::kBlockOrder || e.closed()) continue;
    const detail::BlockBits runs = detail::free_area_runs(frames_of(zone, b, false), order.raw);
    area.nr_free += detail::count_bits(runs) >> order.raw;
    if (e.reported_frames() != 0)
      area.nr_reported += reported_runs(runs, frames_of(zone, b, true), order.raw);
  }
  return area;
}

}  // namespace fallow
