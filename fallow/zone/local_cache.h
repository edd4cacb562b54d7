// The local cache: how one CPU or thread allocates and frees.
//
// For each mobility it owns a block, and holds a *hand*: the free frames of one word of that block, taken
// with one atomic operation and handed out with plain ones. Frees gather, a word at a time, in *pending*.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/zone/detail/block_entry.h"
#include "fallow/zone/detail/frame_word.h"
#include "fallow/zone/mobility.h"
#include "fallow/zone/zone.h"

namespace fallow {

// A block of frames, or why there is none.
struct [[nodiscard]] Allocation {
  Pfn pfn;
  Status status = Status::NoMemory;
  // The frames hold what the device promised when it took them (R12): zero, or the poison value.
  bool holds_promise = false;
  constexpr bool ok() const { return status == Status::Ok; }
};

// Counters of one cache; only its owner writes them, anyone may read them.
struct CacheCounts {
  std::uint64_t taken = 0;     // frames that left the blocks
  std::uint64_t returned = 0;  // frames that came back into them
  std::uint64_t unmarked = 0;  // marks that went with the frames taken, less those that came back
  std::uint64_t refaults = 0;  // frames allocated that were marked; counted once their hand is left
  std::uint64_t in_hands = 0;  // frames taken and not handed out
  std::uint64_t pending = 0;   // frames freed and not yet returned
};

// Not thread-safe: one thread (or one CPU, with interrupts that allocate kept out) at a time. Different
// caches of one zone may be used at once, and a frame may be freed through any of them.
//
// Holds at most kMobilities + 1 words of 32 frames; drain() gives them all back. What is freed becomes
// visible to others, and is reported, when its word is left or drained.
class alignas(64) LocalCache {
 public:
  LocalCache(detail::ZoneTables& tables, std::uint32_t number);
  LocalCache(const LocalCache&) = delete;
  LocalCache& operator=(const LocalCache&) = delete;

  // 2^order frames (order 0 to 10), aligned to their size. NoMemory when no such block is free outside the
  // hands of other caches; InvalidArgument for a larger order. It waits (Port::relax) only before it would
  // answer NoMemory: while a block that it could take is being reported (R11), while another cache is in an
  // attempt to allocate, which may give back what it took, and while marks are being forgotten; and where
  // another thread is writing out the words of the block that it wants.
  Allocation allocate(Order order = {}, Mobility mobility = Mobility::Movable) noexcept;

  // Frees 2^order frames that are allocated: a whole allocation, or any aligned part of one. On misuse
  // (NotAllocated, OutsideZone, Misaligned) nothing changes, and Zone::misuse() names the frame. Waits only
  // where another thread is splitting the block that was allocated as a whole, for a part of its own.
  Status free(Pfn pfn, Order order = {}) noexcept;

  // Gives back every frame it holds. For an idle CPU, and before a consistency walk.
  void drain() noexcept;
  // drain(), and gives up its blocks too: the thread or CPU goes away. May be used again.
  void retire() noexcept;

  CacheCounts counts() const noexcept;

  // Those of `bits` of word `w` that lie free in a hand of this cache. Any thread.
  std::uint32_t in_hand(std::uint32_t w, std::uint32_t bits) const noexcept;

  // Whether this cache is taking marked frames or putting them back. Any thread. seq_cst: MO-2.
  bool uses_marks() const noexcept { return uses_marks_.load(std::memory_order_seq_cst); }
  // Odd while this cache attempts an allocation, and may hold what it will give back. Any thread. acquire:
  // MO-7.
  std::uint32_t attempts() const noexcept { return attempts_.load(std::memory_order_acquire); }
  // Whether this cache is between a word and its entry: the frames that it frees are free there and still
  // used here, so that whoever takes them takes the room of others. Any thread. acquire: MO-7.
  bool is_giving_back() const noexcept { return giving_back_.load(std::memory_order_acquire); }

 private:
  // While one lives, forget_reported() does not pass: what is done with marks is wholly before or after it
  // (MO-2). Never waits, and nothing that waits may be done while it lives.
  class MarksInUse {
   public:
    // Costs nothing unless marks are `expected`.
    MarksInUse(LocalCache& cache, bool expected) noexcept : cache_(cache), entered_(expected) {
      if (!entered_) return;
      // seq_cst: MO-2, before forget_epoch() is read.
      cache_.uses_marks_.store(true, std::memory_order_seq_cst);
      epoch_ = cache_.tables_.forget_epoch();
    }
    // release: MO-2, what was done with marks is seen by forget_reported().
    ~MarksInUse() {
      if (entered_) cache_.uses_marks_.store(false, std::memory_order_release);
    }
    MarksInUse(const MarksInUse&) = delete;
    MarksInUse& operator=(const MarksInUse&) = delete;

    // Marks may be taken and put back: not while they are being forgotten.
    bool usable() const noexcept { return entered_ && epoch_ % 2 == 0; }
    bool forgetting() const noexcept { return epoch_ % 2 != 0; }
    // Zone::forget_epoch() of marks that are taken now.
    std::uint32_t epoch() const noexcept { return epoch_; }

   private:
    LocalCache& cache_;
    const bool entered_;
    std::uint32_t epoch_ = 0;
  };

  // A word number (high half) and frames of it (low half), read by others for misuse checks.
  struct Held {
    std::uint64_t raw;
    std::uint32_t word() const { return static_cast<std::uint32_t>(raw >> 32); }
    std::uint32_t bits() const { return static_cast<std::uint32_t>(raw); }
  };
  static constexpr std::uint32_t kNoWord = ~std::uint32_t{0};
  static constexpr Pfn kNoFrame{~std::uint64_t{0}};
  static constexpr unsigned kNoReuse = kMobilities;
  static constexpr unsigned kMovable = static_cast<unsigned>(Mobility::Movable);
  // A block with more used frames than this is as full as an allocation could wish: what is freed there is
  // handed out again before anything else.
  static constexpr unsigned kNearlyFull = detail::kBlockFrames - 8;
  using HeldSlot = std::atomic<std::uint64_t>;
  // relaxed: this cache is the only writer. Another cache that frees a frame it was given reads at least
  // what was stored when the frame was handed out, since the frame reached it afterwards (MO-6).
  static Held load(const HeldSlot& s) { return {s.load(std::memory_order_relaxed)}; }
  static void store(HeldSlot& s, std::uint64_t raw) { s.store(raw, std::memory_order_relaxed); }
  // As load().
  Pfn load_back() const { return {back_.load(std::memory_order_relaxed)}; }
  static std::uint64_t held(std::uint32_t word, std::uint32_t bits) {
    return (std::uint64_t{word} << 32) | bits;
  }
  // What was handed out is in the hand again.
  void put_in_hand(unsigned m, Held hand, std::uint32_t bits) {
    store(hand_[m], hand.raw | bits);
    if ((hand_marks_[m] & bits) != 0) count_refaults(m, bits);
  }
  static void bump(std::atomic<std::uint64_t>& c, std::uint64_t n) {
    c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  // allocate_slow.cc
  Allocation allocate_slow(Order order, Mobility mobility) noexcept;
  Allocation allocate_or_wait(Order order, Mobility mobility) noexcept;
  Allocation attempt(Order order, Mobility mobility) noexcept;
  Allocation try_allocate(Order order, Mobility mobility) noexcept;
  // What tells that something came back; see MO-7.
  struct Seen {
    std::uint64_t came_back = 0;  // counts that only grow
    std::uint32_t forget_epoch = 0;
  };
  Seen look_at_others() const noexcept;
  bool await_others(Order order, const Seen& before) noexcept;
  bool may_come_back(Order order) const noexcept;

  Allocation hand_out(unsigned m, Held hand, std::uint32_t bits) noexcept;
  Allocation hand_out_one(unsigned m, Held hand) noexcept;
  bool take_back(Pfn pfn) noexcept;
  void settle_last() noexcept;
  Allocation reuse_pending(Order order) noexcept;
  bool marks_hold(unsigned m) const noexcept;
  void count_refaults(unsigned m, std::uint32_t bits) noexcept;
  void serve_drain_request() noexcept;

  // refill.cc: single frames.
  bool refill(Mobility mobility) noexcept;
  bool refill_from_owned(unsigned m) noexcept;
  bool take_word(std::uint32_t w, unsigned m) noexcept;
  std::uint32_t claim_block(Mobility mobility) noexcept;
  std::uint32_t claim_apart(unsigned list_id, Mobility mobility) noexcept;
  std::uint32_t claim_listed(unsigned list_id, Mobility mobility) noexcept;
  bool claim(std::uint32_t block, unsigned list_id, Mobility mobility) noexcept;
  void own(unsigned m, std::uint32_t block) noexcept;
  void disown(unsigned m) noexcept;

  // allocate_run.cc: orders 1 to 8.
  Allocation allocate_run(Order order, Mobility mobility) noexcept;
  Allocation from_hand(Order order, unsigned m) noexcept;
  Allocation run_in_listed(Order order, unsigned list_id, Mobility mobility, unsigned& tries) noexcept;
  Allocation run_in_block(Order order, std::uint32_t block, Mobility mobility) noexcept;
  std::uint32_t free_in(std::uint64_t w) const noexcept;
  Allocation take_run(Order order, std::uint64_t first, unsigned bit, Mobility mobility) noexcept;
  bool take_bits(std::uint64_t w, std::uint32_t bits, detail::FrameWord unless,
                 std::uint32_t* marks) noexcept;

  // allocate_whole.cc: orders 9 and 10.
  Allocation allocate_whole(Order order, Mobility mobility) noexcept;
  Allocation allocate_block(Mobility mobility) noexcept;
  Allocation allocate_pair(Mobility mobility) noexcept;
  Allocation take_listed(std::uint32_t block, unsigned list_id, Mobility mobility) noexcept;
  Allocation take_block(std::uint32_t block, Mobility mobility) noexcept;
  Allocation take_marked_block(std::uint32_t block, Mobility mobility) noexcept;
  Allocation take_pair(std::uint32_t block, Mobility mobility) noexcept;
  enum class Close : std::uint8_t { Whole, Half };
  bool close_free(std::uint32_t block, Mobility mobility, Close how, const MarksInUse& marks,
                  detail::BlockEntry* before) noexcept;
  void reopen_half(std::uint32_t block, detail::BlockEntry before) noexcept;
  // Lists a block where it belongs; what others could not find meanwhile counts as given back.
  void unlist_if_stale(std::uint32_t block, unsigned list_id) noexcept {
    if (tables_.unlist_if_stale(block, list_id)) gave_back_ = true;
  }
  void unlist_if_stale(std::uint32_t block) noexcept;
  bool take_back_whole(Mobility mobility) noexcept;
  bool open_whole(std::uint32_t block, Mobility mobility, detail::BlockEntry before,
                  const MarksInUse& marks) noexcept;
  bool give_whole(std::uint32_t block) noexcept;
  bool split(std::uint32_t block, bool reported, unsigned owner = 0) noexcept;
  void write_words(std::uint32_t block, detail::FrameWord state) noexcept;

  // free.cc
  // relaxed: MO-7, the change of the word releases it.
  void begin_giving_back() noexcept { giving_back_.store(true, std::memory_order_relaxed); }
  // After the entry. release: MO-7, an allocation that sees the count sees what came back.
  void count_returned(std::uint64_t n) noexcept {
    returned_.store(returned_.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
  // release: MO-7, after the entry and returned_.
  void end_giving_back() noexcept { giving_back_.store(false, std::memory_order_release); }
  Status free_slow(Pfn pfn, Order order) noexcept;
  Status free_in_word(Pfn pfn, Order order) noexcept;
  Status gather(std::uint32_t w, std::uint32_t bits, detail::BlockEntry entry) noexcept;
  Status free_words(Pfn pfn, std::uint64_t first, std::uint64_t count) noexcept;
  Status free_blocks(Pfn pfn, std::uint32_t first, std::uint32_t count) noexcept;
  bool is_allocated(std::uint64_t w, std::uint32_t bits) const noexcept;
  bool is_allocated_once_split(std::uint64_t w, std::uint32_t bits) noexcept;
  std::uint32_t clear_used(std::uint64_t w, std::uint32_t bits) noexcept;
  void note_others_free() noexcept;
  void refuse_bits(std::uint64_t w, std::uint32_t bits) noexcept;
  Status flush_and_gather(std::uint32_t w, std::uint32_t bits, detail::BlockEntry entry) noexcept;
  Status begin_pending(std::uint32_t w, std::uint32_t bits, detail::BlockEntry entry) noexcept;
  void put_back_hand(unsigned m) noexcept;
  void flush_pending() noexcept;
  Status give_freed(std::uint32_t w, std::uint32_t freed) noexcept;
  Status note_freed(std::uint32_t w, unsigned used, std::uint32_t freed) noexcept;
  detail::BlockEntry::Stamp stamp_of(std::uint32_t w) const noexcept;
  unsigned give_frames(std::uint32_t block, unsigned n, detail::BlockEntry::Stamp stamp,
                       unsigned marked = 0) noexcept;

  detail::ZoneTables& tables_;
  const Pfn base_;
  const PfnCount frames_;
  const Pfn origin_;
  HeldSlot pending_{0};
  HeldSlot hand_[kMobilities];
  // Who frees what was allocated last gets it again at once (ZONE-9). Of the hand of movable frames: the
  // frame handed out last; when it has come back it is in back_ instead, which counts as in the hand.
  Pfn last_ = kNoFrame;
  std::atomic<std::uint64_t> back_{kNoFrame.raw};
  // Another cache freed frames of a block of this one since that hand was filled, and perhaps that frame.
  std::atomic<bool> others_freed_{false};
  unsigned reuse_ =
      kNoReuse;  // the mobility that pending frames are handed out for, before those in the hand
  // Frames that were taken into the hand with a mark, and did not come back into it: those still there were
  // never out, the others are refaults that are yet to be counted.
  std::uint32_t hand_marks_[kMobilities] = {};
  std::uint32_t hand_epoch_[kMobilities] = {};  // Zone::forget_epoch() when they were taken
  std::uint32_t owned_[kMobilities];            // kNoBlock: none
  std::uint32_t cursor_[kMobilities] = {};      // the word of the owned block to look at next
  std::uint32_t run_word_[kMobilities];         // where the last run was found, kNoWord: nowhere
  const std::uint32_t whole_from_;  // where the search begins: for each in another line of entries
  std::uint32_t whole_last_ = detail::kNoBlock;  // the block that was freed as a whole last
  std::uint32_t near_ = detail::kNoBlock;        // the last wholly free block that was claimed
  std::uint32_t any_block_ = 0;                  // where the last search of every block ended
  const std::uint32_t id_;                       // as owner in a block's entry
  std::uint32_t drains_seen_ = 0;
  bool gave_back_ = false;  // the attempt under way gave back what others may have missed (MO-7)
  std::atomic<bool> uses_marks_{false};
  std::atomic<std::uint32_t> attempts_{0};
  std::atomic<bool> giving_back_{false};

  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> returned_{0};
  std::atomic<std::uint64_t> unmarked_{0};
  std::atomic<std::uint64_t> refaults_{0};
};

// The marks of the hand were not forgotten since they were taken.
inline bool LocalCache::marks_hold(unsigned m) const noexcept {
  return tables_.forget_epoch() == hand_epoch_[m];
}

// Takes `bits`, which are in the hand, out of it.
[[gnu::always_inline]] inline Allocation LocalCache::hand_out(unsigned m, Held hand,
                                                              std::uint32_t bits) noexcept {
  store(hand_[m], hand.raw & ~std::uint64_t{bits});
  const unsigned first = static_cast<unsigned>(std::countr_zero(bits));
  bool promised = false;
  if (tables_.marks_promise()) [[unlikely]]
    promised = (hand_marks_[m] & bits) == bits && marks_hold(m);
  return {Pfn{origin_.raw + std::uint64_t{hand.word()} * detail::kWordFrames + first}, Status::Ok, promised};
}

// The hand holds a frame.
[[gnu::always_inline]] inline Allocation LocalCache::hand_out_one(unsigned m, Held hand) noexcept {
  const std::uint32_t bit = hand.bits() & (~hand.bits() + 1);
  const Allocation got = hand_out(m, hand, bit);
  if (m == kMovable) last_ = got.pfn;
  return got;
}

// Pending frames are used to all others, so this is nobody else's affair.
inline Allocation LocalCache::reuse_pending(Order order) noexcept {
  const Held pending = load(pending_);
  const std::uint32_t heads = detail::run_heads(pending.bits(), order.raw);
  if (heads == 0) [[unlikely]]
    return {};
  const unsigned first = static_cast<unsigned>(std::countr_zero(heads));
  const std::uint32_t left = pending.bits() & ~detail::word_bits(first, order);
  if (left == 0) reuse_ = kNoReuse;
  store(pending_, held(left == 0 ? kNoWord : pending.word(), left));
  return {Pfn{origin_.raw + std::uint64_t{pending.word()} * detail::kWordFrames + first}, Status::Ok};
}

[[gnu::always_inline]] inline Allocation LocalCache::allocate(Order order, Mobility mobility) noexcept {
  const unsigned m = static_cast<unsigned>(mobility);
  if (order.raw == 0 && m < kMobilities) [[likely]] {
    if (const Pfn back = load_back(); m == kMovable && back != kNoFrame) [[likely]] {
      back_.store(kNoFrame.raw, std::memory_order_relaxed);
      last_ = back;
      return {back, Status::Ok};
    }
    if (reuse_ == m) [[unlikely]]
      return reuse_pending({});
    if (const Held hand = load(hand_[m]); hand.bits() != 0) [[likely]]
      return hand_out_one(m, hand);
  }
  return allocate_slow(order, mobility);
}

// The frame handed out last, unless another cache may have freed it meanwhile.
[[gnu::always_inline]] inline bool LocalCache::take_back(Pfn pfn) noexcept {
  // relaxed: MO-23
  if (pfn != last_ || pfn == kNoFrame || others_freed_.load(std::memory_order_relaxed)) return false;
  back_.store(pfn.raw, std::memory_order_relaxed);
  last_ = kNoFrame;
  return true;
}

[[gnu::always_inline]] inline Status LocalCache::free(Pfn pfn, Order order) noexcept {
  if (order.raw == 0 && take_back(pfn)) [[likely]]
    return Status::Ok;
  if (order.raw != 0 || pfn.raw - base_.raw >= frames_.raw) [[unlikely]]
    return free_slow(pfn, order);
  const std::uint64_t index = pfn.raw - origin_.raw;
  const std::uint32_t w = static_cast<std::uint32_t>(index / detail::kWordFrames);
  const std::uint32_t bit = std::uint32_t{1} << (index % detail::kWordFrames);
  // relaxed: a frame that is allocated stays so until its owner, the caller, frees it.
  const detail::FrameWord state{tables_.word(w).load(std::memory_order_relaxed)};
  const detail::BlockEntry entry{tables_.entry_hint(w / detail::kBlockWords)};
  if ((state.allocated() & bit) != 0) [[likely]] {
    // A word is pending or in a hand, never both, so that a second free of a frame is noticed there.
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
      if (hand.word() == w && (hand.bits() & bit) == 0 && pfn != load_back()) [[likely]] {
        put_in_hand(static_cast<unsigned>(entry.mobility()), hand, bit);
        return Status::Ok;
      }
    }
  }
  return free_in_word(pfn, order);
}

}  // namespace fallow
