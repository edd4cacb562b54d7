#include "fallow/reporting/zone_pass.h"

#include "fallow/zone/zone_stats.h"

namespace fallow {

// R11: never below the low watermark, and of what is above it no more than half at a time, so that
// allocations go on while the device works.
PfnCount ZonePass::allowance(Order order) const noexcept {
  const PfnCount free = free_frames(zone_), low = zone_.low_watermark();
  if (free < low + frames(order)) return {0};
  const PfnCount half{(free - low).raw / 2};
  return half < frames(order) ? frames(order) : half;
}

bool ZonePass::report(const Selection& selection, std::uint64_t requests) noexcept {
  Isolation isolation(zone_, selection);
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
    going = sink_.submit(entries);
    failed_ = !going;
  }
  left_ = left_ || isolation.left_something() || !isolation.done();
  return going && !starved_;
}

}  // namespace fallow
