// The history of memory usage in bounded space, from which charts are drawn.
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

// Keeps averages over equal spans of time. When the spans no longer cover the time, their width doubles. For
// one thread. Adding a sample is O(1); the object takes 32 KiB.
class History {
 public:
  // Times must not decrease.
  void add(Nanoseconds time, const HistoryPoint& point);

  // Returns the average from `begin` to `end`; without samples in between, the last known values. Nothing if
  // all samples are before `begin`.
  std::optional<HistoryPoint> average(Nanoseconds begin, Nanoseconds end) const;

  Nanoseconds last() const { return last_; }
  bool empty() const { return empty_; }
  // The highest value of all samples and all three series.
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
