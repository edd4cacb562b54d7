// The zone: a range of page frames, and which of them are free, reported, isolated or allocated.
//
//   application -> LocalCache (one for each CPU or thread) -> Zone -> blocks of 512 frames -> words of 32
//
// Allocating and freeing is done through a LocalCache. The Zone itself holds the tables, and the steps on
// them that caches and the reporter share. Invariants: docs/invariants.md (ZONE-n).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/platform/port.h"
#include "fallow/zone/detail/block_entry.h"
#include "fallow/zone/detail/block_index.h"
#include "fallow/zone/detail/report_trigger.h"
#include "fallow/zone/detail/runs.h"

namespace fallow {

class LocalCache;

struct ZoneConfig {
  Pfn base;                  // any alignment; orders are aligned in absolute frame numbers
  PfnCount frames;           // at least 1
  std::uint32_t caches = 1;  // 1 to kMaxCaches: one for each CPU or thread that allocates or frees
};

// Misuse that was refused. The zone is as if it had not happened.
struct Misuse {
  // Stands for every frame beyond it, too: no address has so many bits.
  static constexpr Pfn kLastNamed{(std::uint64_t{1} << 56) - 1};
  std::uint64_t count = 0;
  Pfn last_pfn;
  Status last = Status::Ok;
};

class Zone {
 public:
  // Bytes of table memory that create() needs, the Zone itself included; about 2.2 bits a frame.
  static ByteCount metadata_size(const ZoneConfig& config);

  // Builds a zone of free frames in `metadata`, which must be zero-filled, aligned to 64 bytes, at least
  // metadata_size() long, and outlive the zone. Writes only what differs from zero: a zone of 4 TiB costs
  // no more than a small one. InvalidArgument if `config` or `metadata` is not as described.
  static Result<Zone*> create(Port& port, const ZoneConfig& config, std::span<std::byte> metadata);

  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

  Pfn base() const { return base_; }
  PfnCount size() const { return frames_; }
  std::uint32_t cache_count() const { return cache_count_; }
  LocalCache& cache(std::uint32_t i);
  const LocalCache& cache(std::uint32_t i) const;

  // Takes frames out of use for good, or until they are freed: holes, a kernel's own image. Before the
  // first allocation only. InvalidArgument if the range is not inside the zone, or not wholly free, or
  // reported already.
  Status reserve(Pfn first, PfnCount count);

  // Below this many free frames nothing is isolated (R11): 1/64 of the zone, growing with the
  // square root from 1 GiB on, so that a guest of 64 MiB reports too.
  PfnCount low_watermark() const { return low_watermark_; }

  // Asks every local cache to give back the frames in its hand the next time it leaves its fast path. An
  // idle CPU calls LocalCache::drain() itself.
  void request_drain() noexcept { drain_requests_.fetch_add(1, std::memory_order_relaxed); }

  // Drops all marks (R10): for when the owner of the memory lost its state. O(blocks). Must not run while a
  // request is in flight, nor twice at once; Reporter::forget_reported() sees to both. Waits for local caches
  // that are taking marked frames or putting them back, each a few dozen instructions; meanwhile these take
  // no marked frames.
  void forget_reported() noexcept;

  Misuse misuse() const noexcept;

  // Names a misuse and returns `why`.
  Status refuse(Pfn pfn, Status why) noexcept;

  // ---- The steps that local caches, isolation and the walks are made of. ----

  std::uint32_t blocks() const { return blocks_; }
  // The index of a frame counts from the start of its zone's first block, which may lie before base().
  std::uint64_t index_of(Pfn pfn) const { return pfn.raw - origin_.raw; }
  Pfn pfn_of(std::uint64_t index) const { return {origin_.raw + index}; }
  bool contains(Pfn first, PfnCount count) const {
    return first >= base_ && count <= frames_ && first - base_ <= frames_ - count;
  }
  std::atomic<std::uint64_t>& word(std::uint64_t w) { return words_[w]; }
  const std::atomic<std::uint64_t>& word(std::uint64_t w) const { return words_[w]; }
  detail::BlockEntry entry(std::uint32_t block) const noexcept {
    // seq_cst: MO-3, orders this look behind the index change that came before it.
    return detail::BlockEntry{entries_[block].load(std::memory_order_seq_cst)};
  }

  // What isolating the block, and putting it back, will change.
  void prefetch(std::uint32_t block) const noexcept {
    __builtin_prefetch(&entries_[block], 1);
    index_[detail::kHomeFree].prefetch(block);
    index_[detail::kHomeReported].prefetch(block);
  }
  // relaxed: for checks that decide nothing by themselves.
  detail::BlockEntry entry_hint(std::uint64_t block) const noexcept {
    return detail::BlockEntry{entries_[block].load(std::memory_order_relaxed)};
  }

  // Changes an entry in one step: `change` maps the old entry to the new one, or to the same to refuse.
  // The block is listed anew where its home has changed. Returns the entry before; `changed` tells.
  template <class Change>
  detail::BlockEntry update(std::uint32_t block, Change change, bool* changed = nullptr) noexcept;

  // The same for a change that is known, but the block stays listed where it was, until a search comes across
  // it: for one that is likely to be undone soon. False if the entry was another.
  bool replace(std::uint32_t block, detail::BlockEntry before, detail::BlockEntry after) noexcept {
    std::uint64_t raw = before.raw();
    // seq_cst: as in update().
    return entries_[block].compare_exchange_strong(raw, after.raw(), std::memory_order_seq_cst,
                                                   std::memory_order_relaxed);
  }

  // Announces that `n` frames of the block will be taken, `marks` of them with a mark: fails if they cannot
  // be there. What then turns out otherwise is put right by settle_taken(). ZONE-2: used counts what is taken
  // or about to be. With an `owner` it fails unless the block is that cache's, in the same step: a block that
  // is wholly free may be taken from its owner at any moment, one with a reservation may not (ZONE-8).
  bool reserve_in_block(std::uint32_t block, unsigned n, unsigned marks, Mobility mobility,
                        unsigned owner = 0) noexcept;
  // Ends a reservation: `surplus` of it was not taken, and what was taken carried `unmarked` marks more than
  // announced, or fewer if negative.
  void settle_taken(std::uint32_t block, unsigned surplus, int unmarked) noexcept;

  // `bits` of a word, which are the caller's, become free, those in `marks` marked. Before the entry says so.
  void give_bits(std::uint64_t w, std::uint32_t bits, std::uint32_t marks) noexcept;

  // The same for those of `bits` that are allocated, which it returns: all, but for misuse.
  std::uint32_t give_allocated_bits(std::uint64_t w, std::uint32_t bits, std::uint32_t marks) noexcept;

  // Whether a block matters to the reporter when this many of its frames are used. To be asked after its
  // entry has changed (MO-5).
  bool matters(unsigned used) const noexcept { return used <= trigger_.limit(); }

  // After frames of a block became free, and its entry says so: makes the reporter look at it.
  // `freed` bounds how many blocks of the reporting order, or larger, that made.
  void note_free(std::uint32_t block, unsigned used, unsigned freed) noexcept;
  // The same for frames of one word.
  void note_free_bits(std::uint64_t w, unsigned used, std::uint32_t bits) noexcept;

  // A search found the block listed under `home`: takes it off that list unless it belongs there. True if it
  // came to belong there meanwhile, and so was missing for a moment.
  bool mend_listing(std::uint32_t block, unsigned home) noexcept;

  detail::BlockIndex& listed(unsigned home) { return index_[home]; }
  const detail::BlockIndex& listed(unsigned home) const { return index_[home]; }
  // Blocks that may hold something to report: wholly true when nobody is changing the zone (ZONE-6).
  detail::BlockIndex& dirty() { return dirty_; }
  const detail::BlockIndex& dirty() const { return dirty_; }
  detail::ReportTrigger& trigger() { return trigger_; }
  Port& port() { return port_; }

  // The clock of the ages, advanced by the reporter: however often it passes, a tick lasts `period` at least.
  unsigned tick() const noexcept { return tick_.load(std::memory_order_relaxed); }
  void advance_tick(Nanoseconds now, Nanoseconds period) noexcept {
    if (now < ticked_at_ + period) return;
    ticked_at_ = now;
    advance_tick();
  }
  void advance_tick() noexcept {
    tick_.store(tick() % detail::BlockEntry::kTicks + 1, std::memory_order_relaxed);
  }
  // What is free counts as freed now: for when ticks become longer. O(blocks).
  void restart_ages() noexcept;

  // What frames that carry a mark hold is what the device promised (R12). acquire: MO-27, a promise that is
  // made after forget_reported() is not read before forgets() has changed.
  bool marks_promise() const noexcept { return promise_.load(std::memory_order_acquire); }
  // release: MO-27, pairs with marks_promise().
  void set_marks_promise(bool on) noexcept { promise_.store(on, std::memory_order_release); }

  // Counts the beginnings and the ends of forget_reported(): odd while it is under way. Marks that lie in a
  // hand are void once this has changed (R10). seq_cst: MO-2, read after MarksInUse has announced itself.
  std::uint32_t forgets() const noexcept { return forgets_.load(std::memory_order_seq_cst); }

  std::uint32_t drain_requests() const noexcept { return drain_requests_.load(std::memory_order_relaxed); }

  // Whether some local cache is in an attempt to allocate, or between the word and the entry of a free: it
  // may have out of reach what it gives back. O(caches).
  bool in_transit() const noexcept;

  // Frames under isolation, and marks ever given; changed by isolation only.
  std::atomic<std::uint64_t>& isolated() { return isolated_; }
  const std::atomic<std::uint64_t>& isolated() const { return isolated_; }
  std::atomic<std::uint64_t>& marks_given() { return marks_given_; }
  const std::atomic<std::uint64_t>& marks_given() const { return marks_given_; }
  // Counts what came back into reach: put-backs, and attempts of allocations that gave back what they took.
  std::atomic<std::uint64_t>& put_backs() { return put_backs_; }
  // Whose report is under way, as Port::current(); 0 for nobody.
  std::atomic<std::uintptr_t>& reporter() { return reporter_; }
  PfnCount reserved() const { return {reserved_.load(std::memory_order_relaxed)}; }

 private:
  Zone(Port& port, const ZoneConfig& config, std::byte* tables);

  bool counts(std::uint32_t block, unsigned used) noexcept;
  void relist(std::uint32_t block, detail::BlockEntry before, detail::BlockEntry after) noexcept;
  bool relist(std::uint32_t block, unsigned from, unsigned to) noexcept;
  void withhold(std::uint64_t first, std::uint64_t count) noexcept;
  void forget_block(std::uint32_t block) noexcept;

  Port& port_;
  // Read by every free, written hardly ever.
  Pfn base_;
  PfnCount frames_;
  Pfn origin_;
  std::atomic<std::uint64_t>* words_ = nullptr;
  std::atomic<std::uint64_t>* entries_ = nullptr;
  LocalCache* caches_ = nullptr;
  std::uint32_t blocks_ = 0;
  std::uint32_t cache_count_ = 0;
  PfnCount low_watermark_;
  std::atomic<unsigned> tick_{1};
  Nanoseconds ticked_at_;  // the reporter's
  std::atomic<bool> promise_{false};
  std::atomic<std::uint32_t> drain_requests_{0};
  std::atomic<std::uint32_t> forgets_{0};
  detail::BlockIndex dirty_;
  detail::BlockIndex index_[detail::kHomes];

  // Written by frees that cross the mark, and by the reporter.
  alignas(64) detail::ReportTrigger trigger_;
  alignas(64) std::atomic<std::uint64_t> isolated_{0};
  std::atomic<std::uint64_t> marks_given_{0};
  std::atomic<std::uint64_t> put_backs_{0};
  std::atomic<std::uintptr_t> reporter_{0};
  std::atomic<std::uint64_t> reserved_{0};
  std::atomic<std::uint64_t> misuse_count_{0};
  std::atomic<std::uint64_t> misuse_last_{0};  // pfn << 8 | status
};

template <class Change>
detail::BlockEntry Zone::update(std::uint32_t block, Change change, bool* changed) noexcept {
  std::atomic<std::uint64_t>& slot = entries_[block];
  // acquire: MO-7, an allocation that is refused here sees why.
  std::uint64_t raw = slot.load(std::memory_order_acquire);
  for (;;) {
    const detail::BlockEntry before{raw};
    const detail::BlockEntry after = change(before);
    if (after.raw() == raw) {
      if (changed != nullptr) *changed = false;
      return before;
    }
    // seq_cst: MO-1, acquires and releases the content of the frames with the block; and MO-3, the entry
    // changes before the lists do. acquire: MO-7, as above.
    if (!slot.compare_exchange_weak(raw, after.raw(), std::memory_order_seq_cst, std::memory_order_acquire))
      continue;
    if (!before.surely_at_home_of(after)) [[unlikely]]
      relist(block, before, after);
    if (changed != nullptr) *changed = true;
    return before;
  }
}

// A wholly free block takes the mobility of its first user.
inline bool Zone::reserve_in_block(std::uint32_t block, unsigned n, unsigned marks, Mobility mobility,
                                   unsigned owner) noexcept {
  bool reserved = false;
  update(
      block,
      [=](detail::BlockEntry e) {
        if (e.closed() || e.used() + n > detail::kBlockFrames) return e;
        if (owner != 0 && e.owner() != owner) return e;
        return e.with_used(e.used() + n)
            .with_fewer_marked(marks)
            .with_mobility(e.used() == 0 ? mobility : e.mobility());
      },
      &reserved);
  return reserved;
}

inline void Zone::settle_taken(std::uint32_t block, unsigned surplus, int unmarked) noexcept {
  if (surplus == 0 && unmarked == 0) [[likely]]
    return;
  detail::BlockEntry after;
  update(block, [=, &after](detail::BlockEntry e) {
    return after = e.with_used(e.used() - surplus).with_fewer_marked(static_cast<unsigned>(unmarked));
  });
  // MO-4: some of the surplus may have been out of its words while the reporter passed the block.
  if (surplus > 0) note_free(block, after.used(), surplus);
}

inline void Zone::give_bits(std::uint64_t w, std::uint32_t bits, std::uint32_t marks) noexcept {
  std::uint64_t raw = words_[w].load(std::memory_order_relaxed);
  // release: MO-1.
  while (!words_[w].compare_exchange_weak(raw, detail::FrameWord{raw}.give(bits, marks).raw,
                                          std::memory_order_release, std::memory_order_relaxed)) {
  }
}

inline std::uint32_t Zone::give_allocated_bits(std::uint64_t w, std::uint32_t bits,
                                               std::uint32_t marks) noexcept {
  std::uint64_t raw = words_[w].load(std::memory_order_relaxed);
  std::uint32_t given;
  do {
    given = detail::FrameWord{raw}.allocated() & bits;
    // release: MO-1.
  } while (!words_[w].compare_exchange_weak(raw, detail::FrameWord{raw}.give(given, marks & given).raw,
                                            std::memory_order_release, std::memory_order_relaxed));
  return given;
}

// Makes the reporter look at the block. True if what became free there is to be counted.
inline bool Zone::counts(std::uint32_t block, unsigned used) noexcept {
  if (!matters(used)) return false;
  dirty_.insert_again(block);
  if (!trigger_.armed()) return false;
  // Half of a pair is nothing to who takes pairs. Of two halves freed at once the later sees the other's
  // entry.
  return trigger_.order() < kMaxOrder || entry(block ^ 1).wholly_free();
}

inline void Zone::note_free(std::uint32_t block, unsigned used, unsigned freed) noexcept {
  if (counts(block, used)) trigger_.spend(trigger_.limit() == 0 ? 1 : freed);
}

inline void Zone::note_free_bits(std::uint64_t w, unsigned used, std::uint32_t bits) noexcept {
  if (!counts(static_cast<std::uint32_t>(w / detail::kBlockWords), used)) return;
  const unsigned order =
      trigger_.order().raw < detail::kWordOrder ? trigger_.order().raw : detail::kWordOrder;
  // relaxed: this thread has changed the word; of several that did, the last sees what all have freed.
  const detail::FrameWord now{words_[w].load(std::memory_order_relaxed)};
  trigger_.spend(
      trigger_.limit() == 0 ? 1 : detail::runs_with(detail::run_heads(now.unreported(), order), bits, order));
}

}  // namespace fallow
