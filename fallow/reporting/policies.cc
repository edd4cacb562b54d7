#include "fallow/reporting/policies.h"

#include "fallow/zone/allocation.h"
#include "fallow/zone/zone_stats.h"

namespace fallow {
namespace {

Status valid_order(Order order) { return order <= kMaxOrder ? Status::Ok : Status::InvalidArgument; }

std::uint64_t largest(const UnreportedCounts& counts) {
  std::uint64_t most = 0;
  for (const std::uint64_t n : counts.of) most = n > most ? n : most;
  return most;
}

// The credit of a policy that acts on the first unreported block.
std::int64_t credit_until_any(const UnreportedCounts& counts) { return largest(counts) > 0 ? 0 : 1; }

}  // namespace

Status HwmPolicy::validate() const noexcept {
  return threshold_ > 0 ? valid_order(order_) : Status::InvalidArgument;
}

std::int64_t HwmPolicy::credit(const UnreportedCounts& counts) const noexcept {
  return static_cast<std::int64_t>(threshold_) - static_cast<std::int64_t>(largest(counts));
}

unsigned HwmPolicy::areas_at_threshold(const UnreportedCounts& counts) const {
  unsigned areas = 0;
  for (unsigned order = order_.raw; order <= kMaxOrder.raw; ++order) {
    if (counts.of[order] >= threshold_) areas |= 1U << order;
  }
  return areas;
}

PassResult HwmPolicy::pass(ReportingPass& pass) noexcept {
  const UnreportedCounts counts = pass.count_unreported(order_);
  if (largest(counts) < (pass.ignore_threshold() ? 1 : threshold_)) return PassResult::Rest;
  Selection selection;
  selection.order = order_;
  if (!pass.ignore_threshold()) selection.areas = areas_at_threshold(counts);
  pass.report(selection, ReportingPass::kNoLimit);
  return PassResult::Rest;
}

Status LinuxPolicy::validate() const noexcept { return valid_order(order_); }

std::int64_t LinuxPolicy::credit(const UnreportedCounts& counts) const noexcept {
  return credit_until_any(counts);
}

PassResult LinuxPolicy::pass(ReportingPass& pass) noexcept {
  const Zone& zone = pass.zone();
  if (!pass.require({std::uint64_t{pass.capacity()} << order_.raw})) return PassResult::Rest;
  for (unsigned order = order_.raw; order <= kMaxOrder.raw; ++order) {
    const std::uint64_t sixteenth = std::uint64_t{pass.capacity()} * 16;
    const std::uint64_t nr_free = free_area(zone, Order{static_cast<std::uint8_t>(order)}).nr_free;
    const std::uint64_t budget = (nr_free + sixteenth - 1) / sixteenth + 1;
    for (unsigned mobility = 0; mobility < kMobilities; ++mobility) {
      Selection selection;
      selection.order = order_;
      selection.areas = 1U << order;
      selection.mobility = mobility;
      selection.join = false;
      if (!pass.report(selection, budget)) return PassResult::Rest;
    }
  }
  return PassResult::Rest;
}

Status AgedPolicy::validate() const noexcept {
  return age_ >= kMinAge && age_ <= kMaxAge ? valid_order(order_) : Status::InvalidArgument;
}

std::int64_t AgedPolicy::credit(const UnreportedCounts& counts) const noexcept {
  return credit_until_any(counts);
}

PassResult AgedPolicy::pass(ReportingPass& pass) noexcept {
  pass.advance_ages(tick());
  Selection selection;
  selection.order = order_;
  selection.min_age = kTicks + 1;
  pass.report(selection, ReportingPass::kNoLimit);
  return pass.left_something() ? PassResult::Again : PassResult::Rest;
}

}  // namespace fallow
