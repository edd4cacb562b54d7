#include "fallow/zone/local_cache.h"

namespace fallow {

LocalCache::LocalCache(detail::ZoneTables& tables, std::uint32_t number)
    : tables_(tables),
      base_(tables.base()),
      frames_(tables.size()),
      origin_(tables.pfn_of(0)),
      owned_{detail::kNoBlock, detail::kNoBlock, detail::kNoBlock},
      run_word_{kNoWord, kNoWord, kNoWord},
      whole_from_(number * detail::kGroup % tables.blocks()),
      id_(number + 1) {
  store(pending_, held(kNoWord, 0));
  for (HeldSlot& hand : hand_) store(hand, held(kNoWord, 0));
}

void LocalCache::serve_drain_request() noexcept {
  const std::uint32_t requests = tables_.drain_requests();
  if (requests == drains_seen_) return;
  drains_seen_ = requests;
  drain();
}

// Frames of `bits` that the hand was given with a mark are out, or were.
void LocalCache::count_refaults(unsigned m, std::uint32_t bits) noexcept {
  bump(refaults_, detail::count_ones(hand_marks_[m] & bits));
  hand_marks_[m] &= ~bits;
}

// What comes next may free or move frames of that word: only a frame handed out after it is the last.
void LocalCache::settle_last() noexcept {
  last_ = kNoFrame;
  const Pfn back = load_back();
  if (back == kNoFrame) return;
  put_in_hand(kMovable, load(hand_[kMovable]),
              std::uint32_t{1} << (tables_.index_of(back) % detail::kWordFrames));
  // release: MO-20, who sees that the frame is not here any more sees it in the hand.
  back_.store(kNoFrame.raw, std::memory_order_release);
}

void LocalCache::drain() noexcept {
  whole_last_ = detail::kNoBlock;
  settle_last();
  flush_pending();
  for (unsigned m = 0; m < kMobilities; ++m) put_back_hand(m);
}

void LocalCache::retire() noexcept {
  drain();
  for (unsigned m = 0; m < kMobilities; ++m) disown(m);
}

CacheCounts LocalCache::counts() const noexcept {
  CacheCounts c;
  c.taken = taken_.load(std::memory_order_relaxed);
  c.returned = returned_.load(std::memory_order_relaxed);
  c.unmarked = unmarked_.load(std::memory_order_relaxed);
  c.refaults = refaults_.load(std::memory_order_relaxed);
  c.pending = detail::count_ones(load(pending_).bits());
  for (const HeldSlot& h : hand_) c.in_hands += detail::count_ones(load(h).bits());
  if (load_back() != kNoFrame) ++c.in_hands;
  return c;
}

std::uint32_t LocalCache::in_hand(std::uint32_t w, std::uint32_t bits) const noexcept {
  std::uint32_t found = 0;
  // acquire: MO-20, before the hands.
  if (const Pfn back{back_.load(std::memory_order_acquire)}; back != kNoFrame) {
    const std::uint64_t index = tables_.index_of(back);
    if (index / detail::kWordFrames == w) found = bits & (std::uint32_t{1} << (index % detail::kWordFrames));
  }
  for (const HeldSlot& slot : hand_) {
    const Held hand = load(slot);
    if (hand.word() == w) found |= hand.bits() & bits;
  }
  return found;
}

}  // namespace fallow
