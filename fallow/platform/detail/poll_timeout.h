// How long a device is waited for.
#pragma once

#include <cstdint>

#include "fallow/platform/port.h"

namespace fallow::detail {

// A second. Where the clock stands still meanwhile, so many looks.
class PollTimeout {
 public:
  static constexpr Nanoseconds kLimit = seconds(1);
  static constexpr std::uint32_t kLooks = 1U << 18;

  explicit PollTimeout(Port& port) noexcept : port_(port), begin_(port.now()) {}
  // Relaxes. False: waited for long enough.
  bool wait() noexcept {
    const Nanoseconds now = port_.now();
    if (now >= begin_ + kLimit || (now == begin_ && ++looks_ > kLooks)) return false;
    port_.relax();
    return true;
  }

 private:
  Port& port_;
  Nanoseconds begin_;
  std::uint32_t looks_ = 0;
};

}  // namespace fallow::detail
