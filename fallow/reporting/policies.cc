#include "fallow/reporting/policies.h"

#include "fallow/zone/zone_stats.h"

namespace fallow {
namespace {

Status valid_order(Order order) { return order <= kMaxOrder ? Status::Ok : Status::InvalidArgument; }

std::uint64_t largest(const detail::UnreportedCounts& counts) {
  std::uint64_t most = 0;
  for (const std::uint64_t n : counts.of) most = n > most ? n : most;
  return most;
}

// The credit of a policy that acts on the first unreported block.
std::int64_t credit_until_any(const detail::UnreportedCounts& counts) { return largest(counts) > 0 ? 0 : 1; }

}  // namespace

Status HwmPolicy::validate() const noexcept {
  return threshold_ > 0 ? valid_order(order_) : Status::InvalidArgument;
}

std::int64_t HwmPolicy::credit(const detail::UnreportedCounts& counts) const noexcept {
  return static_cast<std::int64_t>(threshold_) - static_cast<std::int64_t>(largest(counts));
}

unsigned HwmPolicy::areas_at_threshold(const detail::UnreportedCounts& counts) const {
  unsigned areas = 0;
  for (unsigned order = order_.raw; order <= kMaxOrder.raw; ++order) {
    if (counts.of[order] >= threshold_) areas |= 1U << order;
  }
  return areas;
}

PassResult HwmPolicy::pass(detail::ZonePass& zone_pass) noexcept {
  const detail::UnreportedCounts counts = detail::count_unreported(zone_pass.zone().tables(), order_);
  if (largest(counts) < (zone_pass.ignore_threshold() ? 1 : threshold_)) return PassResult::Rest;
  detail::Selection selection;
  selection.order = order_;
  if (!zone_pass.ignore_threshold()) selection.areas = areas_at_threshold(counts);
  zone_pass.report(selection, detail::ZonePass::kNoLimit);
  return PassResult::Rest;
}

Status LinuxPolicy::validate() const noexcept { return valid_order(order_); }

std::int64_t LinuxPolicy::credit(const detail::UnreportedCounts& counts) const noexcept {
  return credit_until_any(counts);
}

PassResult LinuxPolicy::pass(detail::ZonePass& zone_pass) noexcept {
  const Zone& zone = zone_pass.zone();
  if (!zone_pass.require({std::uint64_t{zone_pass.capacity()} << order_.raw})) return PassResult::Rest;
  for (unsigned order = order_.raw; order <= kMaxOrder.raw; ++order) {
    const std::uint64_t sixteenth = std::uint64_t{zone_pass.capacity()} * 16;
    const std::uint64_t nr_free = free_area(zone, Order{static_cast<std::uint8_t>(order)}).nr_free;
    const std::uint64_t budget = (nr_free + sixteenth - 1) / sixteenth + 1;
    for (unsigned mobility = 0; mobility < kMobilities; ++mobility) {
      detail::Selection selection;
      selection.order = order_;
      selection.areas = 1U << order;
      selection.mobility = mobility;
      selection.join = false;
      if (!zone_pass.report(selection, budget)) return PassResult::Rest;
    }
  }
  return PassResult::Rest;
}

Status AgedPolicy::validate() const noexcept {
  return age_ >= kMinAge && age_ <= kMaxAge ? valid_order(order_) : Status::InvalidArgument;
}

std::int64_t AgedPolicy::credit(const detail::UnreportedCounts& counts) const noexcept {
  return credit_until_any(counts);
}

PassResult AgedPolicy::pass(detail::ZonePass& zone_pass) noexcept {
  Zone& zone = zone_pass.zone();
  zone.tables().clock().advance(zone.tables().port().now(), tick());
  detail::Selection selection;
  selection.order = order_;
  selection.min_age = kTicks + 1;
  zone_pass.report(selection, detail::ZonePass::kNoLimit);
  return zone_pass.left_something() ? PassResult::Again : PassResult::Rest;
}

}  // namespace fallow
