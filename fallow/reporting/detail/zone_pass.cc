#include "fallow/reporting/detail/zone_pass.h"

#include "fallow/zone/zone_stats.h"

namespace fallow::detail {
namespace {

// How long, and for which part of it, an allowance is good.
constexpr Nanoseconds kGoodFor{100'000};
constexpr std::uint64_t kGoodPart = 16;

}  // namespace

// R11: never below the low watermark, and of what is above it no more than half at a time, so that
// allocations go on while the device works. Free frames are counted in the caches, where each look takes a
// cache line away from an allocation: while there is plenty, not for every request.
PfnCount ZonePass::allowance(Order order) noexcept {
  const Nanoseconds now = zone_.tables().port().now();
  if (used_of_it_.raw < allowed_.raw / kGoodPart && now - looked_at_ < kGoodFor)
    return allowed_ - used_of_it_;
  used_of_it_ = {};
  looked_at_ = now;
  const PfnCount free = free_frames(zone_), low = zone_.low_watermark();
  needed_ = low + frames(order);
  const PfnCount half{free < low ? 0 : (free - low).raw / 2};
  allowed_ = free < needed_ ? PfnCount{0} : half < frames(order) ? frames(order) : half;
  return allowed_;
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
    for (const ScatterEntry& entry : list.first(entries)) used_of_it_ += entry.count;
    going = sink_.submit(entries);
    failed_ = !going;
  }
  left_ = left_ || isolation.left_something() || !isolation.done();
  return going && !starved_;
}

}  // namespace fallow::detail
