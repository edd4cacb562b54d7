// The set of guest frames that are in the balloon.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/device/memory_map.h"

namespace fallow::detail {

// One bit for each frame of a map, and one summary bit for each non-zero word of these bits. Memory that is
// zero-filled on first touch therefore costs nothing except for frames that were in the balloon. A frame is
// identified by its region's index and its index in that region.
class InflatedPages {
 public:
  // Returns the number of zero-filled words that the set needs.
  static std::size_t words(const MemoryMap& map) noexcept {
    const std::size_t bits = in_words(map.frames().raw);
    return bits + in_words(bits);
  }

  InflatedPages() = default;
  InflatedPages(const MemoryMap& map, std::span<std::uint64_t> words) noexcept;

  // Each returns false if the frame was already in, or not in, the balloon.
  bool add(std::size_t region, PfnCount frame) noexcept;
  bool remove(std::size_t region, PfnCount frame) noexcept;

  // Returns whether all of these frames are in the balloon. O(n / 64), less if one is not.
  bool all(std::size_t region, PfnCount first, PfnCount n) const noexcept;

  // Calls f(region, frame) for each frame in the balloon, in order. O(frames / 2^18 + frames in the balloon).
  template <class F>
  void for_each(F f) const noexcept;

  PfnCount count() const noexcept { return count_; }
  // Removes all frames. O(frames / 2^18 + frames in the balloon); O(1) if the balloon is empty.
  void clear() noexcept;

 private:
  static constexpr std::size_t in_words(std::uint64_t bits) noexcept { return (bits + 63) / 64; }
  // Calls f(index) for each non-zero word.
  template <class F>
  void for_each_word(F f) const noexcept {
    for (std::size_t i = 0; i < filled_.size(); ++i) {
      for (std::uint64_t left = filled_[i]; left != 0; left &= left - 1)
        f(i * 64 + static_cast<unsigned>(std::countr_zero(left)));
    }
  }

  std::span<std::uint64_t> words_;                       // one bit for each frame
  std::span<std::uint64_t> filled_;                      // one bit for each non-zero word of words_
  std::uint64_t before_[GuestMemory::kMaxRegions] = {};  // number of frames in all earlier regions
  std::size_t regions_ = 0;
  PfnCount count_;
};

template <class F>
void InflatedPages::for_each(F f) const noexcept {
  std::size_t region = 0;
  for_each_word([&](std::size_t i) {
    for (std::uint64_t left = words_[i]; left != 0; left &= left - 1) {
      const std::uint64_t at = i * 64 + static_cast<unsigned>(std::countr_zero(left));
      while (region + 1 < regions_ && before_[region + 1] <= at) ++region;
      f(region, PfnCount{at - before_[region]});
    }
  });
}

}  // namespace fallow::detail
