// A quantity over time: its integral, exactly.
#pragma once

#include <algorithm>
#include <cstdint>

#include "fallow/base/units.h"

namespace fallow::replay {

// Starts at time 0 with 0. Times must not go back.
class Curve {
 public:
  // From the last time to `time` it was `value`, and is so now.
  void hold(Nanoseconds time, std::uint64_t value) { move(time, value, value); }
  // From the last time to `time` it went from its last value to `value` in a straight line.
  void line(Nanoseconds time, std::uint64_t value) { move(time, value_, value); }

  Nanoseconds time() const { return time_; }
  std::uint64_t value() const { return value_; }
  std::uint64_t peak() const { return peak_; }
  // Value times seconds, since time 0.
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
