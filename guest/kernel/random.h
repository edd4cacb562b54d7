// A reproducible pseudo-random generator: xorshift64*.
#pragma once

#include <cstdint>

namespace fallow::guest {

// Spreads the bits of `n` over the whole result; the finaliser of SplitMix64.
constexpr std::uint64_t mixed(std::uint64_t n) noexcept {
  n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9;
  n = (n ^ (n >> 27)) * 0x94d049bb133111eb;
  return n ^ (n >> 31);
}

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed = 1) noexcept : state_(mixed(seed + 1) | 1) {}

  constexpr std::uint64_t next() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  // Returns a number below `n`, which is at least 1 and less than 2^32.
  constexpr std::uint64_t below(std::uint64_t n) noexcept { return ((next() >> 32) * n) >> 32; }

 private:
  std::uint64_t state_;
};

}  // namespace fallow::guest
