#include "fallow/zone/detail/free_path.h"

#include "fallow/zone/detail/runs.h"
#include "fallow/zone/local_cache.h"

namespace fallow::detail {

Status FreePath::free_slow(Pfn pfn, Order order) noexcept {
  settle_last();
  if (order > kMaxOrder) return tables_.refuse(pfn, Status::InvalidArgument);
  if (!tables_.contains(pfn, frames(order))) return tables_.refuse(pfn, Status::OutsideZone);
  if (!aligned(pfn, order)) return tables_.refuse(pfn, Status::Misaligned);
  const std::uint64_t index = tables_.index_of(pfn);
  if (order.raw <= kWordOrder) return free_in_word(pfn, order);
  if (order < kBlockOrder) return free_words(pfn, index / kWordFrames, frames(order).raw / kWordFrames);
  return free_blocks(pfn, static_cast<std::uint32_t>(index / kBlockFrames),
                     static_cast<std::uint32_t>(frames(order).raw / kBlockFrames));
}

// Whether all of `bits` are allocated and none lies free in the hand of the cache that owns the block.
bool FreePath::is_allocated(std::uint64_t w, std::uint32_t bits) const noexcept {
  const FrameWord state{tables_.word(w).load(std::memory_order_relaxed)};
  if ((state.allocated() & bits) != bits) return false;
  const unsigned owner = tables_.entry_hint(w / kBlockWords).owner();
  return owner == 0 || tables_.cache(owner - 1).in_hand(static_cast<std::uint32_t>(w), bits) == 0;
}

// Does the same for frames that may be a part of a block that was allocated as a whole, and splits that
// block. Another thread may be splitting it for a part of its own.
bool FreePath::is_allocated_once_split(std::uint64_t w, std::uint32_t bits) noexcept {
  if (is_allocated(w, bits)) return true;
  split(static_cast<std::uint32_t>(w / kBlockWords), false);
  return is_allocated(w, bits);
}

Status FreePath::free_in_word(Pfn pfn, Order order) noexcept {
  settle_last();
  const std::uint64_t index = tables_.index_of(pfn);
  const std::uint32_t w = static_cast<std::uint32_t>(index / kWordFrames);
  const std::uint32_t bits = word_bits(static_cast<unsigned>(index % kWordFrames), order);
  const std::uint32_t block = w / kBlockWords;
  if (!is_allocated_once_split(w, bits)) return tables_.refuse(pfn, Status::NotAllocated);
  const Held pending = load(pending_);
  if (pending.word() == w && (pending.bits() & bits) != 0) return tables_.refuse(pfn, Status::NotAllocated);
  // Frames return to the hand that they came from.
  if (tables_.entry_hint(block).owner() == id_) {
    for (unsigned m = 0; m < kMobilities; ++m) {
      const Held hand = load(hand_[m]);
      if (owned_[m] != block || hand.word() != w) continue;
      put_in_hand(m, hand, bits);
      return Status::Ok;
    }
  }
  if (pending.word() == w) {
    store(pending_, pending.raw | bits);
    return Status::Ok;
  }
  return gather(w, bits, tables_.entry_hint(block));
}

// Frees those of `bits` that are allocated, and returns them. The others are misuse that was not noticed
// before, because another cache freed the same frames meanwhile, into the block or into its hand.
inline std::uint32_t FreePath::clear_used(std::uint64_t w, std::uint32_t bits) noexcept {
  std::atomic<std::uint64_t>& slot = tables_.word(w);
  std::uint64_t raw = slot.load(std::memory_order_relaxed);
  const unsigned owner = tables_.entry_hint(w / kBlockWords).owner();
  std::uint32_t held = 0;
  if (owner != 0) {
    LocalCache& of_owner = tables_.cache(owner - 1);
    if (owner != id_) of_owner.note_others_free();
    held = of_owner.in_hand(static_cast<std::uint32_t>(w), bits);
  }
  std::uint32_t freed;
  do {
    freed = FrameWord{raw}.allocated() & bits & ~held;
    // release: MO-1, writes into the frames happen before they are taken again.
  } while (freed != 0 && !slot.compare_exchange_weak(raw, FrameWord{raw}.give_allocated(freed).raw,
                                                     std::memory_order_release, std::memory_order_relaxed));
  if (freed != bits) [[unlikely]]
    refuse_bits(w, bits & ~freed);
  return freed;
}

void FreePath::refuse_bits(std::uint64_t w, std::uint32_t bits) noexcept {
  for (; bits != 0; bits &= bits - 1) {
    const Pfn pfn = tables_.pfn_of(w * kWordFrames + static_cast<unsigned>(std::countr_zero(bits)));
    static_cast<void>(tables_.refuse(pfn, Status::NotAllocated));
  }
}

// Returns the stamp of a word that is freed now.
inline BlockEntry::Stamp FreePath::stamp_of(std::uint32_t w) const noexcept {
  return BlockEntry::stamp(w % kBlockWords * kAgeGroups / kBlockWords, tables_.clock().tick());
}

// Takes `n` frames off the used frames of a block, `reported` of them reported. Returns the number that are
// still used; the caller notes the free.
inline unsigned FreePath::give_frames(std::uint32_t block, unsigned n, BlockEntry::Stamp stamp,
                                      unsigned reported) noexcept {
  const BlockEntry before = tables_.update(block, [=](BlockEntry e) {
    const BlockEntry after = e.with_fewer_used(n).stamped(stamp);
    return reported == 0 ? after : after.with_more_reported(reported);
  });
  count_returned(n);
  if (reported != 0) bump(reported_taken_, std::uint64_t{0} - reported);
  return before.used() - n;
}

// Returns the frames in the hand to their word. Reported frames that were never handed out stay reported:
// no thread touched them.
void FreePath::put_back_hand(unsigned m) noexcept {
  const Held hand = load(hand_[m]);
  const std::uint32_t bits = hand.bits();
  count_refaults(m, ~bits);
  const std::uint32_t held_reported = hand_reported_[m];
  hand_reported_[m] = 0;
  if (bits == 0) return;
  store(hand_[m], held(hand.word(), 0));
  const std::uint32_t block = hand.word() / kBlockWords;
  begin_giving_back();
  std::uint32_t reported = 0, given = 0;
  unsigned used = 0;
  {
    const ReportedInUse in_use(*this, held_reported != 0);
    if (in_use.usable() && in_use.epoch() == hand_epoch_[m]) reported = held_reported;
    given = tables_.give_allocated_bits(hand.word(), bits, reported);
    reported &= given;
    // If all frames are still reported, none was touched, and the word keeps its age.
    const BlockEntry::Stamp stamp = given == reported ? BlockEntry::Stamp{} : stamp_of(hand.word());
    used = give_frames(block, count_ones(given), stamp, count_none_or_all(reported));
  }
  end_giving_back();
  // A double free was accepted while these frames were in no hand, so they are free already.
  if (given != bits) [[unlikely]]
    refuse_bits(hand.word(), bits & ~given);
  tables_.note_free_bits(hand.word(), used, given & ~reported);
}

void FreePath::flush_pending() noexcept {
  const Held pending = load(pending_);
  reuse_ = kNoReuse;
  if (pending.bits() == 0) return;
  store(pending_, held(pending.word(), 0));
  begin_giving_back();
  const std::uint32_t freed = clear_used(pending.word(), pending.bits());
  if (freed == 0) return end_giving_back();
  static_cast<void>(give_freed(pending.word(), freed));
}

// Frees in the entry what is free in the word already. Always Ok, so that gather() can return its result.
[[gnu::noinline]] Status FreePath::give_freed(std::uint32_t w, std::uint32_t freed) noexcept {
  const unsigned used = give_frames(w / kBlockWords, count_ones(freed), stamp_of(w));
  end_giving_back();
  return note_freed(w, used, freed);
}

// Notes the free after the entry has changed. Always Ok.
[[gnu::noinline]] Status FreePath::note_freed(std::uint32_t w, unsigned used, std::uint32_t freed) noexcept {
  tables_.note_free_bits(w, used, freed);
  return Status::Ok;
}

inline Status FreePath::begin_pending(std::uint32_t w, std::uint32_t bits, BlockEntry entry) noexcept {
  store(pending_, held(w, bits));
  if (entry.used() > kNearlyFull) reuse_ = static_cast<unsigned>(entry.mobility());
  return Status::Ok;
}

// Makes another word the pending one and returns the frames of the old one to their block. Single frees in
// random order do this every time, so the usual case takes two atomic operations and no call. Any other case
// leaves everything unchanged and takes flush_and_gather().
Status FreePath::gather(std::uint32_t w, std::uint32_t bits, BlockEntry entry) noexcept {
  const Held pending = load(pending_);
  if (tables_.drain_requests() != drains_seen_) [[unlikely]]
    return flush_and_gather(w, bits, entry);
  // Nothing to flush if the pending frames were handed out again.
  if (pending.bits() == 0) return begin_pending(w, bits, entry);
  if (entry.used() > kNearlyFull) [[unlikely]]
    return flush_and_gather(w, bits, entry);
  // relaxed: as in clear_used(); the word is read before the entry, which names the cache that may hold it.
  std::atomic<std::uint64_t>& slot = tables_.word(pending.word());
  std::uint64_t raw = slot.load(std::memory_order_relaxed);
  const std::uint32_t block = pending.word() / kBlockWords;
  const BlockEntry before = tables_.entry_hint(block);
  const unsigned n = (pending.bits() & (pending.bits() - 1)) == 0 ? 1 : count_ones(pending.bits());
  const BlockEntry after = before.with_fewer_used(n).stamped(stamp_of(pending.word()));
  begin_giving_back();
  if (before.owner() != 0 || !before.surely_listed_like(after) ||
      !FrameWord{raw}.all_allocated(pending.bits()) ||
      // release: MO-1.
      !slot.compare_exchange_strong(raw, FrameWord{raw}.give_allocated(pending.bits()).raw,
                                    std::memory_order_release, std::memory_order_relaxed)) [[unlikely]]
    return flush_and_gather(w, bits, entry);
  const bool given = tables_.replace(block, before, after);
  store(pending_, held(w, bits));
  reuse_ = kNoReuse;
  if (!given) [[unlikely]]
    return give_freed(pending.word(), pending.bits());
  count_returned(n);
  end_giving_back();
  if (tables_.matters(after.used())) [[unlikely]]
    return note_freed(pending.word(), after.used(), pending.bits());
  return Status::Ok;
}

[[gnu::noinline]] Status FreePath::flush_and_gather(std::uint32_t w, std::uint32_t bits,
                                                    BlockEntry entry) noexcept {
  flush_pending();
  if (tables_.drain_requests() != drains_seen_) [[unlikely]]
    serve_drain_request();
  return begin_pending(w, bits, entry);
}

// Frees orders 6 to 8, and blocks that were not allocated as a whole.
Status FreePath::free_words(Pfn pfn, std::uint64_t first, std::uint64_t count) noexcept {
  const std::uint32_t block = static_cast<std::uint32_t>(first / kBlockWords);
  if (load(pending_).word() / kBlockWords == block) flush_pending();
  for (std::uint64_t w = first; w < first + count; ++w) {
    if (!is_allocated_once_split(w, kWholeWord)) return tables_.refuse(pfn, Status::NotAllocated);
  }
  unsigned freed = 0;
  BlockEntry::Stamp stamp;
  begin_giving_back();
  for (std::uint64_t w = first; w < first + count; ++w) {
    freed += count_none_or_all(clear_used(w, kWholeWord));
    stamp = stamp | stamp_of(static_cast<std::uint32_t>(w));
  }
  const bool all = freed == count * kWordFrames;
  // The run has become one free block or a part of one.
  if (freed != 0) tables_.note_free(block, give_frames(block, freed, stamp), all ? 1 : freed);
  end_giving_back();
  return all ? Status::Ok : Status::NotAllocated;
}

Status FreePath::free_blocks(Pfn pfn, std::uint32_t first, std::uint32_t count) noexcept {
  // Frees everything or nothing, so all blocks are checked first.
  if (load(pending_).word() / kBlockWords - first < count) flush_pending();
  for (std::uint32_t b = first; b < first + count; ++b) {
    if (tables_.entry(b).whole()) continue;
    for (unsigned w = 0; w < kBlockWords; ++w) {
      if (!is_allocated(std::uint64_t{b} * kBlockWords + w, kWholeWord))
        return tables_.refuse(pfn, Status::NotAllocated);
    }
  }
  for (std::uint32_t b = first; b < first + count; ++b) {
    if (give_whole(b)) {
      set_whole_last(count == 1 ? b : kNoBlock);  // a pair stays a pair
      continue;
    }
    const Status why = free_words(tables_.pfn_of(std::uint64_t{b} * kBlockFrames),
                                  std::uint64_t{b} * kBlockWords, kBlockWords);
    if (why != Status::Ok) return why;
  }
  return Status::Ok;
}

void FreePath::serve_drain_request() noexcept {
  const std::uint32_t requests = tables_.drain_requests();
  if (requests == drains_seen_) return;
  drains_seen_ = requests;
  give_back_all();
}

void FreePath::give_back_all() noexcept {
  set_whole_last(kNoBlock);
  settle_last();
  flush_pending();
  for (unsigned m = 0; m < kMobilities; ++m) put_back_hand(m);
}

}  // namespace fallow::detail
