// Which frames of a guest are in the balloon.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/device/memory_map.h"

namespace fallow::detail {

// One bit for each frame of a map, and one for each word of these that is not zero: memory that is
// zero-filled when it is first touched costs nothing but for the frames that were in the balloon. Frames are
// told by their region's place and their place in it.
class InflatedPages {
 public:
  // Words of memory, zero-filled, that it needs.
  static std::size_t words(const MemoryMap& map) noexcept {
    const std::size_t bits = in_words(map.frames().raw);
    return bits + in_words(bits);
  }

  InflatedPages() = default;
  InflatedPages(const MemoryMap& map, std::span<std::uint64_t> words) noexcept;

  // False: it was in, or not in, the balloon before.
  bool add(std::size_t region, PfnCount frame) noexcept;
  bool remove(std::size_t region, PfnCount frame) noexcept;

  // Whether all of these frames are in the balloon. O(n / 64), less if one is not.
  bool all(std::size_t region, PfnCount first, PfnCount n) const noexcept;

  // Calls f(region, frame) for each frame in the balloon, in order. O(frames / 2^18) and what there is.
  template <class F>
  void for_each(F f) const noexcept;

  PfnCount count() const noexcept { return count_; }
  // O(frames / 2^18) and what there is; at once if there is none.
  void clear() noexcept;

 private:
  static constexpr std::size_t in_words(std::uint64_t bits) noexcept { return (bits + 63) / 64; }
  // Calls f(place) for each of the words that is not zero.
  template <class F>
  void for_each_word(F f) const noexcept {
    for (std::size_t i = 0; i < filled_.size(); ++i) {
      for (std::uint64_t left = filled_[i]; left != 0; left &= left - 1)
        f(i * 64 + static_cast<unsigned>(std::countr_zero(left)));
    }
  }

  std::span<std::uint64_t> words_;                       // a bit for each frame
  std::span<std::uint64_t> filled_;                      // a bit for each of words_: it is not zero
  std::uint64_t before_[GuestMemory::kMaxRegions] = {};  // frames of the regions before
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
