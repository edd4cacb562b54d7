// The limit on polling a device.
#pragma once

#include <cstdint>

#include "fallow/platform/port.h"

namespace fallow::detail {

// Allows one second. If the clock does not advance meanwhile, a number of polls is the limit instead.
class PollTimeout {
 public:
  static constexpr Nanoseconds kLimit = seconds(1);
  static constexpr std::uint32_t kMaxPolls = 1U << 18;

  explicit PollTimeout(Port& port) noexcept : port_(port), begin_(port.now()) {}
  // Relaxes the CPU, or returns false once the limit is reached.
  bool wait() noexcept {
    const Nanoseconds now = port_.now();
    if (now >= begin_ + kLimit || (now == begin_ && ++polls_ > kMaxPolls)) return false;
    port_.relax();
    return true;
  }

 private:
  Port& port_;
  Nanoseconds begin_;
  std::uint32_t polls_ = 0;
};

}  // namespace fallow::detail
