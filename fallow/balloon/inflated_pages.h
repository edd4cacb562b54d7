// Which frames of a guest are in the balloon.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/memory_map.h"

namespace fallow {

// One bit for each frame of a map. Frames are told by their region's place and their place in it.
class InflatedPages {
 public:
  // Words of memory, zero-filled, that it needs.
  static std::size_t words(const MemoryMap& map) noexcept { return (map.frames().raw + 63) / 64; }

  InflatedPages() = default;
  InflatedPages(const MemoryMap& map, std::span<std::uint64_t> words) noexcept;

  // False: it was in, or not in, the balloon before.
  bool add(std::size_t region, PfnCount frame) noexcept;
  bool remove(std::size_t region, PfnCount frame) noexcept;

  // Whether all of these frames are in the balloon. O(n / 64), less if one is not.
  bool all(std::size_t region, PfnCount first, PfnCount n) const noexcept;

  // Calls f(region, frame) for each frame in the balloon.
  template <class F>
  void for_each(F f) const noexcept;

  PfnCount count() const noexcept { return count_; }
  // O(frames / 64); at once if there is none.
  void clear() noexcept;

 private:
  std::span<std::uint64_t> words_;
  std::uint64_t before_[GuestMemory::kMaxRegions] = {};  // frames of the regions before
  std::size_t regions_ = 0;
  PfnCount count_;
};

template <class F>
void InflatedPages::for_each(F f) const noexcept {
  std::size_t region = 0;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    for (std::uint64_t left = words_[i]; left != 0; left &= left - 1) {
      const std::uint64_t at = i * 64 + static_cast<unsigned>(std::countr_zero(left));
      while (region + 1 < regions_ && before_[region + 1] <= at) ++region;
      f(region, PfnCount{at - before_[region]});
    }
  }
}

}  // namespace fallow
