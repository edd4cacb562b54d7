// A set of frame or block numbers, with one bit for each number.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fallow::detail {

// Used by one thread at a time.
class FrameBitmap {
 public:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
  static constexpr std::uint64_t words(std::uint64_t numbers) noexcept { return (numbers + 63) / 64; }

  FrameBitmap() = default;
  // `memory` is zero-filled and must outlive the set.
  explicit FrameBitmap(std::span<std::uint64_t> memory) noexcept : words_(memory) {}

  void insert(std::uint64_t number) noexcept { words_[number / 64] |= std::uint64_t{1} << number % 64; }
  void remove(std::uint64_t number) noexcept { words_[number / 64] &= ~(std::uint64_t{1} << number % 64); }
  bool contains(std::uint64_t number) const noexcept { return (words_[number / 64] >> number % 64 & 1) != 0; }

  // Returns the first member at or above `number`; kNone if none exists. O(numbers / 64).
  std::uint64_t find(std::uint64_t number) const noexcept {
    std::uint64_t w = number / 64, mask = ~std::uint64_t{0} << number % 64;
    for (; w < words_.size(); ++w, mask = ~std::uint64_t{0}) {
      if ((words_[w] & mask) != 0) return w * 64 + static_cast<unsigned>(std::countr_zero(words_[w] & mask));
    }
    return kNone;
  }

 private:
  std::span<std::uint64_t> words_;
};

}  // namespace fallow::detail
