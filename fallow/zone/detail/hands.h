// The frames that a local cache keeps: the hand of each mobility, the pending frames and the last frame.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "fallow/zone/allocation.h"
#include "fallow/zone/detail/last_frame.h"
#include "fallow/zone/detail/whole_blocks.h"

namespace fallow::detail {

// A *hand* holds the free frames of one word of the block that the cache owns for a mobility. *Pending* are
// frames of one word that were freed and are not yet given back. No word is both in a hand and pending
// (ZONE-8).
class Hands : public WholeBlocks {
 public:
  // Returns those of `bits` of word `w` that lie free in a hand of this cache. Any thread.
  std::uint32_t in_hand(std::uint32_t w, std::uint32_t bits) const noexcept;
  // Called by another cache before it frees frames of a block of this one. Any thread.
  void note_others_free() noexcept { last_.note_others_free(); }

 protected:
  // A word number (high half) and some of its frames (low half). Other caches read it to detect misuse.
  struct Held {
    std::uint64_t raw;
    std::uint32_t word() const { return static_cast<std::uint32_t>(raw >> 32); }
    std::uint32_t bits() const { return static_cast<std::uint32_t>(raw); }
  };
  static constexpr std::uint32_t kNoWord = ~std::uint32_t{0};
  static constexpr unsigned kNoReuse = kMobilities;
  static constexpr unsigned kMovable = static_cast<unsigned>(Mobility::Movable);
  using HeldSlot = std::atomic<std::uint64_t>;
  // relaxed: this cache is the only writer. Another cache that frees a frame reads at least what was stored
  // when the frame was handed out, because the frame reached that cache afterwards (MO-6).
  static Held load(const HeldSlot& s) { return {s.load(std::memory_order_relaxed)}; }
  static void store(HeldSlot& s, std::uint64_t raw) { s.store(raw, std::memory_order_relaxed); }
  static std::uint64_t held(std::uint32_t word, std::uint32_t bits) {
    return (std::uint64_t{word} << 32) | bits;
  }
  // Puts frames that were handed out back into the hand.
  void put_in_hand(unsigned m, Held hand, std::uint32_t bits) {
    store(hand_[m], hand.raw | bits);
    if ((hand_reported_[m] & bits) != 0) count_refaults(m, bits);
  }

  Hands(ZoneTables& tables, std::uint32_t number);

  Allocation hand_out(unsigned m, Held hand, std::uint32_t bits) noexcept;
  Allocation hand_out_one(unsigned m, Held hand) noexcept;
  void settle_last() noexcept;
  Allocation reuse_pending(Order order) noexcept;
  void count_refaults(unsigned m, std::uint32_t bits) noexcept;
  // Returns the frames in all hands, the last frame included.
  unsigned count_in_hands() const noexcept;

  const Pfn base_;
  const PfnCount frames_;
  const Pfn origin_;
  HeldSlot pending_{0};
  HeldSlot hand_[kMobilities];
  LastFrame last_;  // of the hand of movable frames
  unsigned reuse_ =
      kNoReuse;  // the mobility that pending frames are handed out for, before those in the hand
  // Frames that were reported when they were taken into the hand, and that have not returned to it. Those
  // still in the hand were never handed out; the others are refaults that are not counted yet.
  std::uint32_t hand_reported_[kMobilities] = {};
  std::uint32_t hand_epoch_[kMobilities] = {};  // forget_epoch() when they were taken

 private:
  bool hand_is_current(unsigned m) const noexcept;
};

// Whether the reported frames of the hand were not forgotten since they were taken.
inline bool Hands::hand_is_current(unsigned m) const noexcept {
  return tables_.forget_epoch() == hand_epoch_[m];
}

// Hands out `bits`, which are in the hand.
[[gnu::always_inline]] inline Allocation Hands::hand_out(unsigned m, Held hand, std::uint32_t bits) noexcept {
  store(hand_[m], hand.raw & ~std::uint64_t{bits});
  const unsigned first = static_cast<unsigned>(std::countr_zero(bits));
  bool content_known = false;
  if (tables_.content_known()) [[unlikely]]
    content_known = (hand_reported_[m] & bits) == bits && hand_is_current(m);
  return {Pfn{origin_.raw + std::uint64_t{hand.word()} * kWordFrames + first}, Status::Ok, content_known};
}

// Hands out the lowest frame of the hand, which is not empty.
[[gnu::always_inline]] inline Allocation Hands::hand_out_one(unsigned m, Held hand) noexcept {
  const std::uint32_t bit = hand.bits() & (~hand.bits() + 1);
  const Allocation got = hand_out(m, hand, bit);
  if (m == kMovable) last_.set(got.pfn);
  return got;
}

// Hands out pending frames. Other threads see them as used, so no atomic change is needed.
inline Allocation Hands::reuse_pending(Order order) noexcept {
  const Held pending = load(pending_);
  const std::uint32_t heads = run_heads(pending.bits(), order.raw);
  if (heads == 0) [[unlikely]]
    return {};
  const unsigned first = static_cast<unsigned>(std::countr_zero(heads));
  const std::uint32_t left = pending.bits() & ~word_bits(first, order);
  if (left == 0) reuse_ = kNoReuse;
  store(pending_, held(left == 0 ? kNoWord : pending.word(), left));
  return {Pfn{origin_.raw + std::uint64_t{pending.word()} * kWordFrames + first}, Status::Ok};
}

}  // namespace fallow::detail
