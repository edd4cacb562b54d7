// A quantity over time and its exact integral.
#pragma once

#include <algorithm>
#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::replay {

// Starts at time 0 with value 0. Times must not decrease.
class Curve {
 public:
  // The quantity was `value` from the last time to `time`.
  void hold(Nanoseconds time, std::uint64_t value) { move(time, value, value); }
  // The quantity changed linearly from its last value to `value` between the last time and `time`.
  void line(Nanoseconds time, std::uint64_t value) { move(time, value_, value); }

  Nanoseconds time() const { return time_; }
  std::uint64_t value() const { return value_; }
  std::uint64_t peak() const { return peak_; }
  // Returns the integral in units of value times seconds, since time 0.
  double integral() const { return static_cast<double>(twice_) / 2e9; }

 private:
  void move(Nanoseconds time, std::uint64_t from, std::uint64_t to) {
    twice_ += static_cast<Wide>((time - time_).raw) * (from + to);
    time_ = time;
    value_ = to;
    peak_ = std::max(peak_, to);
  }

  __extension__ using Wide = unsigned __int128;
  Nanoseconds time_{};
  std::uint64_t value_ = 0, peak_ = 0;
  Wide twice_ = 0;  // twice the integral, in nanoseconds
};

}  // namespace fallow::replay
