// The three built-in policies: hwm, linux and aged.
#pragma once

#include "fallow/reporting/policy.h"

namespace fallow {

/// `hwm`: reports a free area completely, at once, as soon as it holds at least `threshold` unreported blocks
/// (R3). The threshold is checked only when frames are freed. An allocation that splits a larger block can
/// lift a lower area over its threshold; the policy notices once further frees have used up the credit.
/// Until then an area of order o may hold 2^(10 - o) times the threshold.
class HwmPolicy final : public Policy {
 public:
  /// The default threshold, in blocks.
  static constexpr std::uint32_t kDefaultThreshold = 32;
  /// `order`: the smallest block to report, 0 to 10. `threshold`: the threshold in blocks, at least 1.
  explicit HwmPolicy(Order order = {9}, std::uint32_t threshold = kDefaultThreshold)
      : order_(order), threshold_(threshold) {}

  Status validate() const noexcept override;
  Order order() const noexcept override { return order_; }
  Nanoseconds delay() const noexcept override { return {}; }
  std::int64_t credit(const UnreportedCounts& counts) const noexcept override;
  PassResult pass(ReportingPass& pass) noexcept override;

 private:
  unsigned areas_at_threshold(const UnreportedCounts& counts) const;

  Order order_;
  std::uint32_t threshold_;
};

/// `linux`: the baseline, which does what Linux's mm/page_reporting.c does since 5.7. A cycle starts 2 s
/// after a free. In each cycle, each free area (order and mobility) gets at most ceil(nr_free / (capacity *
/// 16)) + 1 requests; another cycle follows after 2 s while something is left. Nothing is reported while
/// fewer frames are free than the low watermark and one request; the next cycle then starts 2 s after the
/// free that ends the shortage. Each entry is one free block; a block larger than a request may be (R11) is
/// reported in parts.
class LinuxPolicy final : public Policy {
 public:
  /// The time from a free to the first cycle, and between cycles.
  static constexpr Nanoseconds kDelay = seconds(2);
  /// `order`: the smallest block to report, 0 to 10.
  explicit LinuxPolicy(Order order = {9}) : order_(order) {}

  Status validate() const noexcept override;
  Order order() const noexcept override { return order_; }
  Nanoseconds delay() const noexcept override { return kDelay; }
  std::int64_t credit(const UnreportedCounts& counts) const noexcept override;
  PassResult pass(ReportingPass& pass) noexcept override;

 private:
  Order order_;
};

/// `aged`: reports a run once all its frames have been free for `age`, at most a quarter of `age` later.
/// Ages are kept for groups of 64 frames: freeing one frame resets the age of its group.
class AgedPolicy final : public Policy {
 public:
  /// The default, the smallest and the largest age.
  /// @{
  static constexpr Nanoseconds kDefaultAge = milliseconds(100);
  static constexpr Nanoseconds kMinAge = milliseconds(1);
  static constexpr Nanoseconds kMaxAge = seconds(24 * 60 * 60);
  /// @}
  /// `order`: the smallest block to report, 0 to 10. `age`: from kMinAge to kMaxAge.
  explicit AgedPolicy(Order order = {9}, Nanoseconds age = kDefaultAge) : order_(order), age_(age) {}

  Status validate() const noexcept override;
  Order order() const noexcept override { return order_; }
  Nanoseconds delay() const noexcept override { return tick(); }
  std::int64_t credit(const UnreportedCounts& counts) const noexcept override;
  PassResult pass(ReportingPass& pass) noexcept override;

 private:
  // A frame freed during tick n is old enough at the start of tick n + 5, after at least 4 ticks.
  static constexpr unsigned kTicks = 4;
  Nanoseconds tick() const { return {age_.raw / kTicks}; }

  Order order_;
  Nanoseconds age_;
};

}  // namespace fallow
