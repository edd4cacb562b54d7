// The policies by name.
#pragma once

#include "fallow/reporting/policy.h"

namespace fallow {

// `hwm`: as soon as a free area holds `mark` unreported blocks more than are reported (R3), it is reported
// completely, at once. The mark is looked at when frames are freed: an allocation that splits a larger block
// can lift a lower area over its mark, and that is noticed once frees have used up what was left of the mark.
// Until then an area of order o may hold 2^(10 - o) times its mark.
class HwmPolicy final : public Policy {
 public:
  static constexpr std::uint32_t kDefaultMark = 32;
  explicit HwmPolicy(Order order = {9}, std::uint32_t mark = kDefaultMark) : order_(order), mark_(mark) {}

  Status validate() const noexcept override;
  Order order() const noexcept override { return order_; }
  Nanoseconds delay() const noexcept override { return {}; }
  std::int64_t credit(const detail::UnreportedCounts& counts) const noexcept override;
  Next pass(detail::ZonePass& zone_pass) noexcept override;

 private:
  unsigned areas_at_mark(const detail::UnreportedCounts& counts) const;

  Order order_;
  std::uint32_t mark_;
};

// `linux`: what Linux's mm/page_reporting.c does since 5.7, as the baseline: 2 s after a free, in each
// cycle and for each free area (order and mobility) at most ceil(nr_free / (capacity * 16)) + 1 requests;
// again after 2 s while something is left; nothing while the zone has fewer free frames than its low
// watermark and one request, and then 2 s after the free that ends this. Each entry is one free block; one
// that is larger than a request may be (R11) goes in parts.
class LinuxPolicy final : public Policy {
 public:
  static constexpr Nanoseconds kDelay = seconds(2);
  explicit LinuxPolicy(Order order = {9}) : order_(order) {}

  Status validate() const noexcept override;
  Order order() const noexcept override { return order_; }
  Nanoseconds delay() const noexcept override { return kDelay; }
  std::int64_t credit(const detail::UnreportedCounts& counts) const noexcept override;
  Next pass(detail::ZonePass& zone_pass) noexcept override;

 private:
  Order order_;
};

// `aged`: a run is reported once all its frames have been free for `age`, at most a quarter of it later.
// The age is kept for groups of 64 frames: a free of one of them makes all of them young again.
class AgedPolicy final : public Policy {
 public:
  static constexpr Nanoseconds kDefaultAge = milliseconds(100);
  static constexpr Nanoseconds kMinAge = milliseconds(1);
  static constexpr Nanoseconds kMaxAge = seconds(24 * 60 * 60);
  explicit AgedPolicy(Order order = {9}, Nanoseconds age = kDefaultAge) : order_(order), age_(age) {}

  Status validate() const noexcept override;
  Order order() const noexcept override { return order_; }
  Nanoseconds delay() const noexcept override { return tick(); }
  std::int64_t credit(const detail::UnreportedCounts& counts) const noexcept override;
  Next pass(detail::ZonePass& zone_pass) noexcept override;

 private:
  // A frame freed during tick n is old enough at the start of tick n + 5: after 4 ticks at least.
  static constexpr unsigned kTicks = 4;
  Nanoseconds tick() const { return {age_.raw / kTicks}; }

  Order order_;
  Nanoseconds age_;
};

}  // namespace fallow
