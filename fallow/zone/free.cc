// Giving frames back, and refusing what was never given out.
#include "fallow/zone/local_cache.h"
#include "fallow/zone/runs.h"

namespace fallow {

Status LocalCache::free_slow(Pfn pfn, Order order) noexcept {
  settle_last();
  if (order > kMaxOrder) return zone_.refuse(pfn, Status::InvalidArgument);
  if (!zone_.contains(pfn, frames(order))) return zone_.refuse(pfn, Status::OutsideZone);
  if (!aligned(pfn, order)) return zone_.refuse(pfn, Status::Misaligned);
  const std::uint64_t index = zone_.index_of(pfn);
  if (order.raw <= kWordOrder) return free_in_word(pfn, order);
  if (order < kBlockOrder) return free_words(pfn, index / kWordFrames, frames(order).raw / kWordFrames);
  return free_blocks(pfn, static_cast<std::uint32_t>(index / kBlockFrames),
                     static_cast<std::uint32_t>(frames(order).raw / kBlockFrames));
}

// Allocated, and not lying free in the hand of the cache that owns the block.
bool LocalCache::is_allocated(std::uint64_t w, std::uint32_t bits) const noexcept {
  const FrameWord state{zone_.word(w).load(std::memory_order_relaxed)};
  if ((state.allocated() & bits) != bits) return false;
  const unsigned owner = zone_.entry_hint(w / kBlockWords).owner();
  return owner == 0 || zone_.cache(owner - 1).in_hand(static_cast<std::uint32_t>(w), bits) == 0;
}

// The same, where the frames may be a part of a block that was allocated as a whole. Another thread may be
// splitting it for a part of its own.
bool LocalCache::is_allocated_once_split(std::uint64_t w, std::uint32_t bits) noexcept {
  if (is_allocated(w, bits)) return true;
  split(static_cast<std::uint32_t>(w / kBlockWords), false);
  return is_allocated(w, bits);
}

Status LocalCache::free_in_word(Pfn pfn, Order order) noexcept {
  settle_last();
  const std::uint64_t index = zone_.index_of(pfn);
  const std::uint32_t w = static_cast<std::uint32_t>(index / kWordFrames);
  const std::uint32_t bits = word_bits(static_cast<unsigned>(index % kWordFrames), order);
  const std::uint32_t block = w / kBlockWords;
  if (!is_allocated_once_split(w, bits)) return zone_.refuse(pfn, Status::NotAllocated);
  const Held pending = load(pending_);
  if (pending.word() == w && (pending.bits() & bits) != 0) return zone_.refuse(pfn, Status::NotAllocated);
  // Back into the hand they came from.
  if (zone_.entry_hint(block).owner() == id_) {
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
  return gather(w, bits, zone_.entry_hint(block));
}

// Those of `bits` that are allocated become free; the others are misuse that went unnoticed until now,
// since another cache freed the same frames in the meantime, into the block or into its hand.
inline std::uint32_t LocalCache::clear_used(std::uint64_t w, std::uint32_t bits) noexcept {
  std::atomic<std::uint64_t>& slot = zone_.word(w);
  std::uint64_t raw = slot.load(std::memory_order_relaxed);
  const unsigned owner = zone_.entry_hint(w / kBlockWords).owner();
  const std::uint32_t held =
      owner == 0 ? 0 : zone_.cache(owner - 1).in_hand(static_cast<std::uint32_t>(w), bits);
  std::uint32_t freed;
  do {
    freed = FrameWord{raw}.allocated() & bits & ~held;
    // release: MO-1, what was written into the frames happens before they are taken again.
  } while (freed != 0 && !slot.compare_exchange_weak(raw, FrameWord{raw}.give(freed, 0).raw,
                                                     std::memory_order_acq_rel, std::memory_order_relaxed));
  if (freed != bits) [[unlikely]]
    refuse_bits(w, bits & ~freed);
  return freed;
}

void LocalCache::refuse_bits(std::uint64_t w, std::uint32_t bits) noexcept {
  for (; bits != 0; bits &= bits - 1) {
    const Pfn pfn = zone_.pfn_of(w * kWordFrames + static_cast<unsigned>(std::countr_zero(bits)));
    static_cast<void>(zone_.refuse(pfn, Status::NotAllocated));
  }
}

// Returns how many frames of the block are used now; the caller notes the free.
unsigned LocalCache::give_frames(std::uint32_t block, unsigned n, unsigned groups) noexcept {
  const BlockEntry::Stamp stamp = BlockEntry::stamp(groups, zone_.tick());
  const BlockEntry before =
      zone_.update(block, [=](BlockEntry e) { return e.with_fewer_used(n).stamped(stamp); });
  bump(returned_, n);
  return before.used() - n;
}

void LocalCache::flush_pending() noexcept {
  const Held pending = load(pending_);
  reuse_ = kNoReuse;
  if (pending.bits() == 0) return;
  store(pending_, held(pending.word(), 0));
  const std::uint32_t freed = clear_used(pending.word(), pending.bits());
  if (freed == 0) return;
  // One frame is what random frees leave here.
  const unsigned n = (freed & (freed - 1)) == 0 ? 1 : count_ones(freed);
  const unsigned used = give_frames(pending.word() / kBlockWords, n, group_of(pending.word()));
  zone_.note_free_bits(pending.word(), used, freed);
}

inline Status LocalCache::begin_pending(std::uint32_t w, std::uint32_t bits, BlockEntry entry) noexcept {
  store(pending_, held(w, bits));
  if (entry.used() > kNearlyFull) reuse_ = static_cast<unsigned>(entry.mobility());
  return Status::Ok;
}

// Frees of another word than the last ones gather from here on. Where what is freed is handed out again at
// once, there is nothing to flush.
Status LocalCache::gather(std::uint32_t w, std::uint32_t bits, BlockEntry entry) noexcept {
  if (load(pending_).bits() == 0 && zone_.drain_requests() == drains_seen_)
    return begin_pending(w, bits, entry);
  return flush_and_gather(w, bits, entry);
}

[[gnu::noinline]] Status LocalCache::flush_and_gather(std::uint32_t w, std::uint32_t bits,
                                                      BlockEntry entry) noexcept {
  flush_pending();
  if (zone_.drain_requests() != drains_seen_) [[unlikely]]
    serve_drain_request();
  return begin_pending(w, bits, entry);
}

// Orders 6 to 8, and blocks that were not allocated as a whole.
Status LocalCache::free_words(Pfn pfn, std::uint64_t first, std::uint64_t count) noexcept {
  const std::uint32_t block = static_cast<std::uint32_t>(first / kBlockWords);
  if (load(pending_).word() / kBlockWords == block) flush_pending();
  for (std::uint64_t w = first; w < first + count; ++w) {
    if (!is_allocated_once_split(w, kWholeWord)) return zone_.refuse(pfn, Status::NotAllocated);
  }
  unsigned freed = 0, groups = 0;
  for (std::uint64_t w = first; w < first + count; ++w) {
    freed += count_ones(clear_used(w, kWholeWord));
    groups |= group_of(w);
  }
  const bool all = freed == count * kWordFrames;
  // One run, that has become one block or a part of one.
  if (freed != 0) zone_.note_free(block, give_frames(block, freed, groups), all ? 1 : freed);
  return all ? Status::Ok : Status::NotAllocated;
}

Status LocalCache::free_blocks(Pfn pfn, std::uint32_t first, std::uint32_t count) noexcept {
  // All of it or nothing: look before the first is freed.
  if (load(pending_).word() / kBlockWords - first < count) flush_pending();
  for (std::uint32_t b = first; b < first + count; ++b) {
    if (zone_.entry(b).whole()) continue;
    for (unsigned w = 0; w < kBlockWords; ++w) {
      if (!is_allocated(std::uint64_t{b} * kBlockWords + w, kWholeWord))
        return zone_.refuse(pfn, Status::NotAllocated);
    }
  }
  for (std::uint32_t b = first; b < first + count; ++b) {
    if (give_whole(b)) {
      whole_last_ = count == 1 ? b : kNoBlock;  // a pair stays one
      continue;
    }
    const Status why = free_words(zone_.pfn_of(std::uint64_t{b} * kBlockFrames),
                                  std::uint64_t{b} * kBlockWords, kBlockWords);
    if (why != Status::Ok) return why;
  }
  return Status::Ok;
}

}  // namespace fallow
