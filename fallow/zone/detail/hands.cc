#include "fallow/zone/detail/hands.h"

namespace fallow::detail {

Hands::Hands(ZoneTables& tables, std::uint32_t number)
    : WholeBlocks(tables, number), base_(tables.base()), frames_(tables.size()), origin_(tables.pfn_of(0)) {
  store(pending_, held(kNoWord, 0));
  for (HeldSlot& hand : hand_) store(hand, held(kNoWord, 0));
}

// Counts those of `bits` that were reported when they were taken: they are handed out, or have been.
void Hands::count_refaults(unsigned m, std::uint32_t bits) noexcept {
  bump(refaults_, count_ones(hand_reported_[m] & bits));
  hand_reported_[m] &= ~bits;
}

// Puts the last frame into the hand, before an operation that may free or move frames of its word.
void Hands::settle_last() noexcept {
  last_.forget();
  const Pfn freed = last_.freed();
  if (freed == LastFrame::kNone) return;
  put_in_hand(kMovable, load(hand_[kMovable]), std::uint32_t{1} << (tables_.index_of(freed) % kWordFrames));
  last_.moved_to_hand();
}

unsigned Hands::count_in_hands() const noexcept {
  unsigned n = last_.freed() != LastFrame::kNone ? 1 : 0;
  for (const HeldSlot& h : hand_) n += count_ones(load(h).bits());
  return n;
}

std::uint32_t Hands::in_hand(std::uint32_t w, std::uint32_t bits) const noexcept {
  std::uint32_t found = 0;
  // MO-20: before the hands.
  if (const Pfn back = last_.peek(); back != LastFrame::kNone) {
    const std::uint64_t index = tables_.index_of(back);
    if (index / kWordFrames == w) found = bits & (std::uint32_t{1} << (index % kWordFrames));
  }
  for (const HeldSlot& slot : hand_) {
    const Held hand = load(slot);
    if (hand.word() == w) found |= hand.bits() & bits;
  }
  return found;
}

}  // namespace fallow::detail
