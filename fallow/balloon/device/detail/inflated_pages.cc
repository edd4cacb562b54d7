#include "fallow/balloon/device/detail/inflated_pages.h"

#include "fallow/base/check.h"

namespace fallow::detail {

InflatedPages::InflatedPages(const MemoryMap& map, std::span<std::uint64_t> words) noexcept {
  FALLOW_CHECK(words.size() >= InflatedPages::words(map));
  const std::size_t bits = in_words(map.frames().raw);
  words_ = words.first(bits);
  filled_ = words.subspan(bits, in_words(bits));
  std::uint64_t sum = 0;
  std::size_t place = 0;
  for (const GuestRegion& region : map.guest().regions()) {
    before_[place++] = sum;
    regions_ = place;
    sum += whole_frames(region.size).raw;
  }
}

bool InflatedPages::add(std::size_t region, PfnCount frame) noexcept {
  const std::uint64_t at = before_[region] + frame.raw, bit = std::uint64_t{1} << at % 64;
  if ((words_[at / 64] & bit) != 0) return false;
  words_[at / 64] |= bit;
  filled_[at / 64 / 64] |= std::uint64_t{1} << at / 64 % 64;
  count_ += PfnCount{1};
  return true;
}

bool InflatedPages::remove(std::size_t region, PfnCount frame) noexcept {
  const std::uint64_t at = before_[region] + frame.raw, bit = std::uint64_t{1} << at % 64;
  if ((words_[at / 64] & bit) == 0) return false;
  words_[at / 64] &= ~bit;
  if (words_[at / 64] == 0) filled_[at / 64 / 64] &= ~(std::uint64_t{1} << at / 64 % 64);
  count_ -= PfnCount{1};
  return true;
}

bool InflatedPages::all(std::size_t region, PfnCount first, PfnCount n) const noexcept {
  std::uint64_t at = before_[region] + first.raw;
  for (const std::uint64_t end = at + n.raw; at < end;) {
    const std::uint64_t left = end - at, here = 64 - at % 64, length = left < here ? left : here;
    const std::uint64_t ones = ~std::uint64_t{0} >> (64 - length) << at % 64;
    if ((words_[at / 64] & ones) != ones) return false;
    at += length;
  }
  return true;
}

void InflatedPages::clear() noexcept {
  if (count_.raw == 0) return;
  for_each_word([this](std::size_t i) { words_[i] = 0; });
  for (std::uint64_t& word : filled_) {
    if (word != 0) word = 0;
  }
  count_ = {};
}

}  // namespace fallow::detail
