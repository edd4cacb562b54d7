// What memory looked like over time, in bounded space: what the pictures are drawn from.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "fallow/base/units.h"

namespace fallow::cli {

// Amounts in MiB.
struct HistoryPoint {
  double used = 0, resident = 0, linux = 0;
};

// Keeps averages over equal spans of time. When the spans no longer cover the time, they double. For
// one thread; adding is O(1), 32 KiB in all.
class History {
 public:
  // Times must not go back.
  void add(Nanoseconds time, const HistoryPoint& point);

  // The average from `begin` to `end`, or what was last known if nothing was sampled between them. Nothing:
  // no sample is as late as `begin`.
  std::optional<HistoryPoint> average(Nanoseconds begin, Nanoseconds end) const;

  Nanoseconds last() const { return last_; }
  bool empty() const { return empty_; }
  // The highest sample of the three.
  double highest_mib() const { return highest_; }

 private:
  static constexpr std::size_t kSpans = 1024;
  struct Span {
    HistoryPoint sum;
    unsigned samples = 0;
  };
  std::size_t index(Nanoseconds time) const { return static_cast<std::size_t>(time.raw / width_.raw); }
  void double_width();

  std::array<Span, kSpans> spans_{};
  Nanoseconds width_ = milliseconds(1);
  Nanoseconds last_{};
  bool empty_ = true;
  double highest_ = 0;
};

}  // namespace fallow::cli
