// A token bucket: limits events to a burst and a sustained rate per second.
#pragma once

#include <algorithm>
#include <chrono>

namespace fallow::cli {

// Not thread-safe. O(1).
class TokenBucket {
 public:
  using Clock = std::chrono::steady_clock;

  TokenBucket(double burst, double per_second, Clock::time_point now = Clock::now())
      : burst_(burst), per_second_(per_second), left_(burst), filled_(now) {}

  // Takes `tokens`. Returns false, and takes none, if fewer are left.
  bool take(double tokens, Clock::time_point now = Clock::now()) {
    fill(now);
    if (left_ < tokens) return false;
    left_ -= tokens;
    return true;
  }
  // True if the bucket has refilled completely.
  bool full(Clock::time_point now) {
    fill(now);
    return left_ >= burst_;
  }

 private:
  void fill(Clock::time_point now) {
    left_ = std::min(burst_, left_ + std::chrono::duration<double>(now - filled_).count() * per_second_);
    filled_ = now;
  }

  double burst_, per_second_, left_;
  Clock::time_point filled_;
};

}  // namespace fallow::cli
