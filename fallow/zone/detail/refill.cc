#include "fallow/zone/detail/refill.h"

#include <bit>
#include <initializer_list>

#include "fallow/base/check.h"

namespace fallow::detail {
bool Refill::refill(Mobility mobility) noexcept {
  const unsigned m = static_cast<unsigned>(mobility);
  serve_drain_request();
  if (refill_from_owned(m)) return true;
  for (;; tables_.port().relax()) {
    own(m, claim_block(mobility));
    if (owned_[m] == kNoBlock) return false;
    if (refill_from_owned(m)) return true;
    // The block may have only reported frames, which cannot be taken while forget_reported() runs.
    if (tables_.forget_epoch() % 2 != 0) return false;
  }
}

bool Refill::refill_from_owned(unsigned m) noexcept {
  const std::uint32_t block = owned_[m];
  if (block == kNoBlock) return false;
  // Another cache may have taken the block while it was wholly free.
  if (tables_.entry(block).owner() == id_) {
    for (unsigned i = 0; i < kBlockWords; ++i) {
      const unsigned w = (cursor_[m] + i) % kBlockWords;
      if (!take_word(block * kBlockWords + w, m)) continue;
      cursor_[m] = w;
      return true;
    }
  }
  disown(m);
  return false;
}

// Returns the lowest `n` of `bits`.
constexpr std::uint32_t lowest(std::uint32_t bits, unsigned n) {
  std::uint32_t rest = bits;
  for (; n > 0 && rest != 0; --n) rest &= rest - 1;
  return bits & ~rest;
}

// Takes the free frames of a word of an owned block into the hand, which is empty: as many as the block has
// room for, and reported frames only while forget_reported() does not run.
bool Refill::take_word(std::uint32_t w, unsigned m) noexcept {
  std::atomic<std::uint64_t>& slot = tables_.word(w);
  // acquire: MO-7, an allocation that finds these frames isolated sees that `isolated` is not 0.
  std::uint64_t raw = slot.load(std::memory_order_acquire);
  if (FrameWord{raw}.free() == 0) return false;
  const std::uint32_t block = w / kBlockWords;
  const ReportedInUse in_use(*this, (FrameWord{raw}.free() & FrameWord{raw}.report_bits()) != 0);
  const auto takeable = [&](std::uint64_t word) {
    return FrameWord{word}.free() & (in_use.usable() ? kWholeWord : ~FrameWord{word}.report_bits());
  };
  std::uint32_t wanted = takeable(raw);
  unsigned reserved = 0, expected = 0;
  for (;;) {
    if (wanted == 0) return false;
    reserved = count_none_or_all(wanted);
    expected = count_none_or_all(wanted & FrameWord{raw}.report_bits());
    if (tables_.reserve_in_block(block, reserved, expected, static_cast<Mobility>(m), id_)) break;
    // Another thread has freed frames in the word and not yet in the entry, or has taken them in the entry
    // and not yet in the word.
    const BlockEntry e = tables_.entry(block);
    if (e.closed() || e.owner() != id_) return false;
    wanted = lowest(wanted, kBlockFrames - e.used());
  }
  std::uint32_t taken;
  do {
    taken = wanted & takeable(raw);
    // acquire: MO-1, writes into the frames before they were freed happen before this.
  } while (taken != 0 && !slot.compare_exchange_weak(raw, FrameWord{raw}.take(taken).raw,
                                                     std::memory_order_acquire, std::memory_order_relaxed));
  const std::uint32_t reported = taken & FrameWord{raw}.report_bits();
  // In most cases all wanted frames were taken.
  const unsigned n = taken == wanted ? reserved : count_ones(taken);
  const unsigned reported_taken = count_none_or_all(reported);
  if (n != reserved) [[unlikely]]
    gave_back_ = true;
  tables_.settle_taken(block, reserved - n, static_cast<int>(reported_taken) - static_cast<int>(expected));
  if (n == 0) return false;
  bump(taken_, n);
  if (reported_taken != 0) bump(reported_taken_, reported_taken);
  if (hand_reported_[m] != 0) count_refaults(m, kWholeWord);
  hand_reported_[m] = reported;
  hand_epoch_[m] = in_use.epoch();
  FALLOW_CHECK(load(hand_[m]).bits() == 0);
  std::uint32_t bits = taken;
  // No word is both in a hand and pending.
  if (const Held pending = load(pending_); pending.word() == w) {
    bits |= pending.bits();
    store(pending_, held(kNoWord, 0));
    reuse_ = kNoReuse;
  }
  store(hand_[m], held(w, bits));
  if (m == kMovable) {
    last_.reset();
  }
  return true;
}

// Claims the fullest block of the mobility; otherwise a wholly free block, reported ones last; otherwise the
// emptiest block of another mobility. Among equals the highest is taken: the reporter and allocations of
// whole blocks begin at the other end of the zone, so the two do not share cache lines.
std::uint32_t Refill::claim_block(Mobility mobility) noexcept {
  for (unsigned bin = kBins; bin-- > 0;) {
    const std::uint32_t block = claim_listed(bin_list(mobility, bin), mobility);
    if (block != kNoBlock) return block;
  }
  for (const unsigned list_id : {kFreeList, kReportedList}) {
    std::uint32_t block = claim_apart(list_id, mobility);
    if (block == kNoBlock) block = claim_listed(list_id, mobility);
    if (block != kNoBlock) return near_ = block;
  }
  for (unsigned bin = 0; bin < kBins; ++bin) {
    for (unsigned other = 0; other < kMobilities; ++other) {
      if (other == static_cast<unsigned>(mobility)) continue;
      const std::uint32_t block = claim_listed(bin_list(static_cast<Mobility>(other), bin), mobility);
      if (block != kNoBlock) return block;
    }
  }
  return kNoBlock;
}

// Claims wholly free blocks by groups whose entries share a cache line. Each refill changes an entry, so two
// caches with neighbouring blocks would contend for the line at every refill. Prefers a block of the group of
// the last claimed block, then a block of a group that is wholly free.
std::uint32_t Refill::claim_apart(unsigned list_id, Mobility mobility) noexcept {
  constexpr unsigned kTries = 4;
  const BlockIndex& list = tables_.listed(list_id);
  const auto highest = [](std::uint64_t members) {
    return 63 - static_cast<unsigned>(std::countl_zero(members));
  };
  if (near_ != kNoBlock) {
    const std::uint64_t group = std::uint64_t{0xff} << (near_ % 64 / kGroup * kGroup);
    if (const std::uint64_t left = list.members_of_word(near_ / 64) & group; left != 0) {
      const std::uint32_t block = near_ / 64 * 64 + highest(left);
      if (claim(block, list_id, mobility)) return block;
    }
  }
  std::uint32_t at = list.find_before(kNoBlock);
  for (unsigned i = 0; i < kTries && at != kNoBlock; ++i, at = list.find_before(at / 64 * 64)) {
    std::uint64_t whole = list.members_of_word(at / 64);
    for (unsigned step = 1; step < kGroup; step *= 2) whole &= whole >> step;
    whole &= 0x0101010101010101;  // the first block of each complete group
    if (whole == 0) continue;
    const std::uint32_t block = at / 64 * 64 + highest(whole) + kGroup - 1;
    if (claim(block, list_id, mobility)) return block;
  }
  return kNoBlock;
}

std::uint32_t Refill::claim_listed(unsigned list_id, Mobility mobility) noexcept {
  const BlockIndex& list = tables_.listed(list_id);
  for (std::uint32_t b = list.find_before(kNoBlock); b != kNoBlock; b = list.find_before(b)) {
    if (claim(b, list_id, mobility)) return b;
  }
  return kNoBlock;
}

bool Refill::claim(std::uint32_t block, unsigned list_id, Mobility mobility) noexcept {
  if (list_id == kReportedList && split(block, true, id_)) {
    gave_back_ = true;  // other threads found the block closed
    return true;
  }
  bool claimed = false;
  const BlockEntry before = tables_.update(
      block,
      [=, this](BlockEntry e) {
        if (list_of(e) != list_id || e.owner() != 0 || e.closed()) return e;
        // A block that is less than half full takes the mobility of its new owner.
        const bool adopt = e.used() < kBlockFrames / 2;
        return e.with_owner(id_).with_mobility(adopt ? mobility : e.mobility());
      },
      &claimed);
  if (!claimed && list_of(before) != list_id) unlist_if_stale(block, list_id);
  return claimed;
}

// ZONE-8: a hand that is not empty lies in the block owned for its mobility. The block may have been taken
// from this cache earlier, while it was wholly free; its ownership for another mobility ends here.
void Refill::own(unsigned m, std::uint32_t block) noexcept {
  for (unsigned other = 0; other < kMobilities; ++other) {
    if (owned_[other] != block) continue;
    FALLOW_CHECK(load(hand_[other]).bits() == 0);
    owned_[other] = kNoBlock;
    store(hand_[other], held(kNoWord, 0));
    last_.forget();
  }
  owned_[m] = block;
  cursor_[m] = 0;
}

void Refill::disown(unsigned m) noexcept {
  if (owned_[m] == kNoBlock) return;
  FALLOW_CHECK(load(hand_[m]).bits() == 0);
  tables_.update(owned_[m], [this](BlockEntry e) { return e.owner() == id_ ? e.with_owner(0) : e; });
  owned_[m] = kNoBlock;
  store(hand_[m], held(kNoWord, 0));
  last_.forget();
}

}  // namespace fallow::detail
