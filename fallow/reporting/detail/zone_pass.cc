#include "fallow/reporting/detail/zone_pass.h"

#include "fallow/zone/detail/isolation.h"
#include "fallow/zone/zone.h"
#include "fallow/zone/zone_stats.h"

namespace fallow::detail {
namespace {

// An allowance is valid for this long, and until this fraction of it is used.
constexpr Nanoseconds kAllowanceLifetime{100'000};
constexpr std::uint64_t kAllowanceFraction = 16;

}  // namespace

// R11: never goes below the low watermark, and takes at most half of what is above it at a time, so that
// allocations proceed while the device works. Counting free frames reads the caches, and each read takes a
// cache line away from an allocation; while many frames are free, the count is not repeated for every
// request.
PfnCount ZonePass::allowance(Order order) noexcept {
  const Nanoseconds now = zone_.tables().port().now();
  if (used_of_allowance_.raw < allowed_.raw / kAllowanceFraction && now - counted_at_ < kAllowanceLifetime)
    return allowed_ - used_of_allowance_;
  used_of_allowance_ = {};
  counted_at_ = now;
  const PfnCount free = free_frames(zone_), low = zone_.low_watermark();
  needed_ = low + frames(order);
  const PfnCount half{free < low ? 0 : (free - low).raw / 2};
  allowed_ = free < needed_ ? PfnCount{0} : half < frames(order) ? frames(order) : half;
  return allowed_;
}

UnreportedCounts ZonePass::count_unreported(Order order) const noexcept {
  return detail::count_unreported(zone_.tables(), order);
}

void ZonePass::advance_ages(Nanoseconds tick) noexcept {
  zone_.tables().clock().advance(zone_.tables().port().now(), tick);
}

bool ZonePass::require(PfnCount above) noexcept {
  needed_ = zone_.low_watermark() + above;
  starved_ = free_frames(zone_) < needed_;
  return !starved_;
}

bool ZonePass::report(const Selection& selection, std::uint64_t requests) noexcept {
  Isolation isolation(zone_.tables(), selection);
  bool going = true;
  while (going && requests-- > 0 && !isolation.done()) {
    const PfnCount most = allowance(selection.order);
    starved_ = most.raw == 0;
    if (starved_) break;
    const std::span<ScatterEntry> list = sink_.open();
    if (list.empty()) {
      going = false;
      break;
    }
    const std::uint32_t entries = isolation.fill(list, most);
    if (entries == 0) {
      sink_.abandon();
      starved_ = !isolation.done();
      break;
    }
    progressed_ = true;
    for (const ScatterEntry& entry : list.first(entries)) used_of_allowance_ += entry.count;
    going = sink_.submit(entries);
    failed_ = !going;
  }
  left_ = left_ || isolation.left_something() || !isolation.done();
  return going && !starved_;
}

}  // namespace fallow::detail
