#include "fallow/balloon/device/detail/guest_ranges.h"

#include <utility>

#include "fallow/base/check.h"

namespace fallow::detail {

void GuestRanges::add(GuestRange range) noexcept {
  // Adjacent ranges in ascending or descending order, as Linux sends them, are joined at once.
  if (count_ != 0) {
    GuestRange& last = storage_[count_ - 1];
    if (range.start == last.end) {
      last.end = range.end;
      return;
    }
    if (range.end == last.start) {
      last.start = range.start;
      return;
    }
  }
  FALLOW_CHECK(count_ < storage_.size());
  storage_[count_++] = range;
}

std::span<const GuestRange> GuestRanges::join() noexcept {
  if (count_ == 0) return {};
  sort();
  std::size_t last = 0;
  for (std::size_t i = 1; i < count_; ++i) {
    GuestRange& run = storage_[last];
    if (storage_[i].start > run.end) {
      storage_[++last] = storage_[i];
    } else if (storage_[i].end > run.end) {
      run.end = storage_[i].end;
    }
  }
  count_ = last + 1;
  return storage_.first(count_);
}

void GuestRanges::sort() noexcept {
  bool ascending = true, descending = true;
  for (std::size_t i = 1; i < count_; ++i) {
    ascending &= storage_[i - 1].start <= storage_[i].start;
    descending &= storage_[i - 1].start >= storage_[i].start;
  }
  if (ascending) return;
  if (descending) {
    for (std::size_t i = 0; i < count_ / 2; ++i) std::swap(storage_[i], storage_[count_ - 1 - i]);
    return;
  }
  for (std::size_t place = count_ / 2; place-- > 0;) sink(place, count_);
  for (std::size_t left = count_; left-- > 1;) {
    std::swap(storage_[0], storage_[left]);
    sink(0, left);
  }
}

// Sifts the range at `place` down in a heap of `count` ranges whose largest start is on top.
void GuestRanges::sink(std::size_t place, std::size_t count) noexcept {
  const GuestRange range = storage_[place];
  for (std::size_t child = 2 * place + 1; child < count; child = 2 * place + 1) {
    if (child + 1 < count && storage_[child].start < storage_[child + 1].start) ++child;
    if (storage_[child].start <= range.start) break;
    storage_[place] = storage_[child];
    place = child;
  }
  storage_[place] = range;
}

}  // namespace fallow::detail
