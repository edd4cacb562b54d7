/// The local cache, through which one CPU or thread allocates and frees.
///
/// For each mobility it owns a block and holds a *hand*: the free frames of one word of that block. The hand
/// is filled with one atomic operation and emptied with plain ones. Frees gather, a word at a time, in
/// *pending*. Its parts are
/// fallow/zone/detail/{cache_state,whole_blocks,hands,free_path,refill,run_search}.h.
#pragma once

#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/zone/allocation.h"
#include "fallow/zone/detail/run_search.h"
#include "fallow/zone/zone.h"

namespace fallow {

/// Counters of one cache. Only its owner writes them; any thread may read them.
struct CacheCounts {
  std::uint64_t taken = 0;           ///< frames that left the blocks
  std::uint64_t returned = 0;        ///< frames that returned to the blocks
  std::uint64_t reported_taken = 0;  ///< reported frames taken, less those that returned unused
  std::uint64_t refaults = 0;        ///< reported frames that were allocated; counted once their hand is left
  std::uint64_t in_hands = 0;        ///< frames taken and not handed out
  std::uint64_t pending = 0;         ///< frames freed and not yet returned
};

/// Allocates and frees on behalf of one CPU or thread.
///
/// Not thread-safe: one thread at a time, or one CPU that keeps out interrupts that allocate. An allocation
/// that meets another one inside the same cache may stop the program; this is a check of some cases only.
/// Different caches of one zone may be used at once, and a frame may be freed through any of them.
///
/// Holds at most kMobilities + 1 words of 32 frames; drain() gives them all back. Freed frames become visible
/// to other caches, and are reported, once their word is left or drained.
class alignas(64) LocalCache : public detail::RunSearch {
 public:
  /// For the zone, which makes its caches; users call Zone::cache().
  LocalCache(detail::ZoneTables& tables, std::uint32_t number) : RunSearch(tables, number) {}

  /// Allocates 2^order frames (order 0 to 10), aligned to their size. NoMemory if no such block is free
  /// outside the hands of other caches; InvalidArgument for a larger order or an unknown mobility.
  ///
  /// Waits (Port::relax) in four cases only. Three of them precede the answer NoMemory: a block that would do
  /// is being reported (R11); another cache attempts an allocation and may give back what it took; or
  /// Zone::forget_reported() is running. In the fourth, another thread is writing out the words of the block.
  Allocation allocate(Order order = {}, Mobility mobility = Mobility::Movable) noexcept;

  /// Frees 2^order allocated frames: a whole allocation, or any aligned part of one. On misuse (NotAllocated,
  /// OutsideZone, Misaligned) nothing changes, and Zone::misuse() names the frame. Waits only while another
  /// thread splits the block for a part of its own, if the block was allocated as a whole.
  Status free(Pfn pfn, Order order = {}) noexcept;

  /// Gives back every frame that the cache holds. For an idle CPU, and before a consistency walk.
  void drain() noexcept;
  /// Does what drain() does, and gives up the owned blocks too: the thread or CPU goes away. The cache may be
  /// used again.
  void retire() noexcept;

  /// Any thread may read the counters.
  CacheCounts counts() const noexcept;

 private:
  Allocation allocate_slow(Order order, Mobility mobility) noexcept;
  Allocation allocate_or_wait(Order order, Mobility mobility) noexcept;
  Allocation attempt(Order order, Mobility mobility) noexcept;
  Allocation try_allocate(Order order, Mobility mobility) noexcept;
  // Shows whether any frames came back since (MO-7).
  struct Seen {
    std::uint64_t came_back = 0;  // a sum of counters that only grow
    std::uint32_t forget_epoch = 0;
  };
  Seen look_at_others() const noexcept;
  bool await_others(Order order, const Seen& before) noexcept;
  bool may_come_back(Order order) const noexcept;
};

[[gnu::always_inline]] inline Allocation LocalCache::allocate(Order order, Mobility mobility) noexcept {
  const unsigned m = static_cast<unsigned>(mobility);
  if (order.raw == 0 && m < kMobilities) [[likely]] {
    if (const Pfn freed = last_.freed(); m == kMovable && freed != detail::LastFrame::kNone) [[likely]] {
      last_.hand_out_again(freed);
      return {freed, Status::Ok};
    }
    if (reuse_ == m) [[unlikely]]
      return reuse_pending({});
    if (const Held hand = load(hand_[m]); hand.bits() != 0) [[likely]]
      return hand_out_one(m, hand);
  }
  return allocate_slow(order, mobility);
}

[[gnu::always_inline]] inline Status LocalCache::free(Pfn pfn, Order order) noexcept {
  if (order.raw == 0 && last_.take_back(pfn)) [[likely]]
    return Status::Ok;
  if (order.raw != 0 || pfn.raw - base_.raw >= frames_.raw) [[unlikely]]
    return free_slow(pfn, order);
  const std::uint64_t index = pfn.raw - origin_.raw;
  const std::uint32_t w = static_cast<std::uint32_t>(index / detail::kWordFrames);
  const std::uint32_t bit = std::uint32_t{1} << (index % detail::kWordFrames);
  // relaxed: an allocated frame stays allocated until its owner, the caller, frees it.
  const detail::FrameWord state{tables_.word(w).load(std::memory_order_relaxed)};
  const detail::BlockEntry entry{tables_.entry_hint(w / detail::kBlockWords)};
  if ((state.allocated() & bit) != 0) [[likely]] {
    // A word is pending or in a hand, never both, so each of the two notices a double free.
    if (entry.owner() == 0) [[likely]] {
      const Held pending = load(pending_);
      if (pending.word() != w) return gather(w, bit, entry);
      if ((pending.bits() & bit) == 0) [[likely]] {
        store(pending_, pending.raw | bit);
        return Status::Ok;
      }
    } else if (entry.owner() == id_) {
      HeldSlot& slot = hand_[static_cast<unsigned>(entry.mobility())];
      const Held hand = load(slot);
      if (hand.word() == w && (hand.bits() & bit) == 0 && pfn != last_.freed()) [[likely]] {
        put_in_hand(static_cast<unsigned>(entry.mobility()), hand, bit);
        return Status::Ok;
      }
    }
  }
  return free_in_word(pfn, order);
}

}  // namespace fallow
