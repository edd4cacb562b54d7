// Filling the hand: which word of which block the next single frames come from.
#include "fallow/base/check.h"
#include "fallow/zone/local_cache.h"

namespace fallow {
bool LocalCache::refill(Mobility mobility) noexcept {
  const unsigned m = static_cast<unsigned>(mobility);
  serve_drain_request();
  if (refill_from_owned(m)) return true;
  for (;; tables_.port().relax()) {
    own(m, claim_block(mobility));
    if (owned_[m] == detail::kNoBlock) return false;
    if (refill_from_owned(m)) return true;
    // Nothing but marked frames, perhaps: those wait for forget_reported().
    if (tables_.forget_epoch() % 2 != 0) return false;
  }
}

bool LocalCache::refill_from_owned(unsigned m) noexcept {
  const std::uint32_t block = owned_[m];
  if (block == detail::kNoBlock) return false;
  // Another may have taken the block while it was wholly free; then it is not ours any more.
  if (tables_.entry(block).owner() == id_) {
    for (unsigned i = 0; i < detail::kBlockWords; ++i) {
      const unsigned w = (cursor_[m] + i) % detail::kBlockWords;
      if (!take_word(block * detail::kBlockWords + w, m)) continue;
      cursor_[m] = w;
      return true;
    }
  }
  disown(m);
  return false;
}

// The lowest `n` of `bits`.
constexpr std::uint32_t lowest(std::uint32_t bits, unsigned n) {
  std::uint32_t rest = bits;
  for (; n > 0 && rest != 0; --n) rest &= rest - 1;
  return bits & ~rest;
}

// Takes the free frames of a word of an owned block into the hand, which is empty: all that the block has
// room for, and marked ones only while forget_reported() is kept out.
bool LocalCache::take_word(std::uint32_t w, unsigned m) noexcept {
  std::atomic<std::uint64_t>& slot = tables_.word(w);
  // acquire: MO-7, an allocation that finds these frames isolated sees that something is.
  std::uint64_t raw = slot.load(std::memory_order_acquire);
  if (detail::FrameWord{raw}.free() == 0) return false;
  const std::uint32_t block = w / detail::kBlockWords;
  const MarksInUse in_use(*this, (detail::FrameWord{raw}.free() & detail::FrameWord{raw}.mark()) != 0);
  const auto takeable = [&](std::uint64_t word) {
    return detail::FrameWord{word}.free() &
           (in_use.usable() ? detail::kWholeWord : ~detail::FrameWord{word}.mark());
  };
  std::uint32_t wanted = takeable(raw);
  unsigned reserved = 0, expected = 0;
  for (;;) {
    if (wanted == 0) return false;
    reserved = detail::count_none_or_all(wanted);
    expected = detail::count_none_or_all(wanted & detail::FrameWord{raw}.mark());
    if (tables_.reserve_in_block(block, reserved, expected, static_cast<Mobility>(m), id_)) break;
    // A thread that frees is between the word and the entry, or one that takes between the entry and the
    // word.
    const detail::BlockEntry e = tables_.entry(block);
    if (e.closed() || e.owner() != id_) return false;
    wanted = lowest(wanted, detail::kBlockFrames - e.used());
  }
  std::uint32_t taken;
  do {
    taken = wanted & takeable(raw);
    // acquire: MO-1, what was written into the frames before they were freed happened before.
  } while (taken != 0 && !slot.compare_exchange_weak(raw, detail::FrameWord{raw}.take(taken).raw,
                                                     std::memory_order_acquire, std::memory_order_relaxed));
  const std::uint32_t marks = taken & detail::FrameWord{raw}.mark();
  // Most often what was there is what came.
  const unsigned n = taken == wanted ? reserved : detail::count_ones(taken);
  const unsigned unmarked = detail::count_none_or_all(marks);
  if (n != reserved) [[unlikely]]
    gave_back_ = true;
  tables_.settle_taken(block, reserved - n, static_cast<int>(unmarked) - static_cast<int>(expected));
  if (n == 0) return false;
  bump(taken_, n);
  if (unmarked != 0) bump(unmarked_, unmarked);
  if (hand_marks_[m] != 0) count_refaults(m, detail::kWholeWord);
  hand_marks_[m] = marks;
  hand_epoch_[m] = in_use.epoch();
  FALLOW_CHECK(load(hand_[m]).bits() == 0);
  std::uint32_t bits = taken;
  // No word is in a hand and pending too.
  if (const Held pending = load(pending_); pending.word() == w) {
    bits |= pending.bits();
    store(pending_, held(kNoWord, 0));
    reuse_ = kNoReuse;
  }
  store(hand_[m], held(w, bits));
  if (m == kMovable) {
    last_ = kNoFrame;
    others_freed_.store(false, std::memory_order_relaxed);
  }
  return true;
}

// The fullest block of the mobility; else a wholly free one, a reported one last; else the emptiest of
// another mobility. Of several the highest: the reporter, and allocations of whole blocks, begin at the other
// end of the zone, so that they keep out of each other's cache lines.
std::uint32_t LocalCache::claim_block(Mobility mobility) noexcept {
  for (unsigned bin = detail::kBins; bin-- > 0;) {
    const std::uint32_t block = claim_listed(detail::bin_list(mobility, bin), mobility);
    if (block != detail::kNoBlock) return block;
  }
  for (const unsigned list_id : {detail::kFreeList, detail::kReportedList}) {
    std::uint32_t block = claim_apart(list_id, mobility);
    if (block == detail::kNoBlock) block = claim_listed(list_id, mobility);
    if (block != detail::kNoBlock) return near_ = block;
  }
  for (unsigned bin = 0; bin < detail::kBins; ++bin) {
    for (unsigned other = 0; other < kMobilities; ++other) {
      if (other == static_cast<unsigned>(mobility)) continue;
      const std::uint32_t block = claim_listed(detail::bin_list(static_cast<Mobility>(other), bin), mobility);
      if (block != detail::kNoBlock) return block;
    }
  }
  return detail::kNoBlock;
}

// Wholly free blocks come by the group whose entries share a cache line: each refill changes an entry, and
// two caches with neighbouring blocks would take the line from each other every time. So first another of
// the group of the last one, then one of a group that is all free.
std::uint32_t LocalCache::claim_apart(unsigned list_id, Mobility mobility) noexcept {
  constexpr unsigned kTries = 4;
  const detail::BlockIndex& list = tables_.listed(list_id);
  const auto highest = [](std::uint64_t members) {
    return 63 - static_cast<unsigned>(std::countl_zero(members));
  };
  if (near_ != detail::kNoBlock) {
    const std::uint64_t group = std::uint64_t{0xff} << (near_ % 64 / detail::kGroup * detail::kGroup);
    if (const std::uint64_t left = list.members_of_word(near_ / 64) & group; left != 0) {
      const std::uint32_t block = near_ / 64 * 64 + highest(left);
      if (claim(block, list_id, mobility)) return block;
    }
  }
  std::uint32_t at = list.find_before(detail::kNoBlock);
  for (unsigned i = 0; i < kTries && at != detail::kNoBlock; ++i, at = list.find_before(at / 64 * 64)) {
    std::uint64_t whole = list.members_of_word(at / 64);
    for (unsigned step = 1; step < detail::kGroup; step *= 2) whole &= whole >> step;
    whole &= 0x0101010101010101;  // the first of each group that is all there
    if (whole == 0) continue;
    const std::uint32_t block = at / 64 * 64 + highest(whole) + detail::kGroup - 1;
    if (claim(block, list_id, mobility)) return block;
  }
  return detail::kNoBlock;
}

std::uint32_t LocalCache::claim_listed(unsigned list_id, Mobility mobility) noexcept {
  const detail::BlockIndex& list = tables_.listed(list_id);
  for (std::uint32_t b = list.find_before(detail::kNoBlock); b != detail::kNoBlock; b = list.find_before(b)) {
    if (claim(b, list_id, mobility)) return b;
  }
  return detail::kNoBlock;
}

bool LocalCache::claim(std::uint32_t block, unsigned list_id, Mobility mobility) noexcept {
  if (list_id == detail::kReportedList && split(block, true, id_)) {
    gave_back_ = true;  // others found it closed
    return true;
  }
  bool claimed = false;
  const detail::BlockEntry before = tables_.update(
      block,
      [=, this](detail::BlockEntry e) {
        if (detail::list_of(e) != list_id || e.owner() != 0 || e.closed()) return e;
        // A block that is less than half full changes sides with its new owner.
        const bool adopt = e.used() < detail::kBlockFrames / 2;
        return e.with_owner(id_).with_mobility(adopt ? mobility : e.mobility());
      },
      &claimed);
  if (!claimed && detail::list_of(before) != list_id) unlist_if_stale(block, list_id);
  return claimed;
}

// ZONE-8: a hand that is not empty lies in the block owned for its mobility. The block may be one that was
// taken from this cache while it was wholly free; whatever it was owned for then does not count any more.
void LocalCache::own(unsigned m, std::uint32_t block) noexcept {
  for (unsigned other = 0; other < kMobilities; ++other) {
    if (owned_[other] != block) continue;
    FALLOW_CHECK(load(hand_[other]).bits() == 0);
    owned_[other] = detail::kNoBlock;
    store(hand_[other], held(kNoWord, 0));
    last_ = kNoFrame;
  }
  owned_[m] = block;
  cursor_[m] = 0;
}

void LocalCache::disown(unsigned m) noexcept {
  if (owned_[m] == detail::kNoBlock) return;
  FALLOW_CHECK(load(hand_[m]).bits() == 0);
  tables_.update(owned_[m], [this](detail::BlockEntry e) { return e.owner() == id_ ? e.with_owner(0) : e; });
  owned_[m] = detail::kNoBlock;
  store(hand_[m], held(kNoWord, 0));
  last_ = kNoFrame;
}

}  // namespace fallow
