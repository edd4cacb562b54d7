// The tables of a zone: a word for 32 frames, an entry for each block, and the lists in which blocks are
// found.
//
// Every change of a block goes through these functions, which keep entry, lists and the reporter's view in
// the order that MO-1 to MO-5 need.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "fallow/zone/detail/block_entry.h"
#include "fallow/zone/detail/block_index.h"
#include "fallow/zone/detail/frame_range.h"
#include "fallow/zone/detail/report_trigger.h"
#include "fallow/zone/detail/runs.h"

namespace fallow::detail {

class BlockTables : public FrameRange {
 public:
  // Bytes of zero-filled storage that the tables need.
  static ByteCount storage_size(const FrameRange& range);

  // All blocks are free at first. `storage` is aligned to 64 bytes.
  BlockTables(const FrameRange& range, std::byte* storage);
  BlockTables(const BlockTables&) = delete;
  BlockTables& operator=(const BlockTables&) = delete;

  std::atomic<std::uint64_t>& word(std::uint64_t w) { return words_[w]; }
  const std::atomic<std::uint64_t>& word(std::uint64_t w) const { return words_[w]; }
  BlockEntry entry(std::uint32_t block) const noexcept {
    // seq_cst: MO-3, orders this look behind the index change that came before it.
    return BlockEntry{entries_[block].load(std::memory_order_seq_cst)};
  }

  // What isolating the block, and putting it back, will change.
  void prefetch(std::uint32_t block) const noexcept {
    __builtin_prefetch(&entries_[block], 1);
    index_[kFreeList].prefetch(block);
    index_[kReportedList].prefetch(block);
  }
  // relaxed: for checks that decide nothing by themselves.
  BlockEntry entry_hint(std::uint64_t block) const noexcept {
    return BlockEntry{entries_[block].load(std::memory_order_relaxed)};
  }

  // Changes an entry in one step: `change` maps the old entry to the new one, or to the same to refuse.
  // The block is listed anew where its home has changed. Returns the entry before; `changed` tells.
  template <class Change>
  BlockEntry update(std::uint32_t block, Change change, bool* changed = nullptr) noexcept;

  // The same for a change that is known, but the block stays listed where it was, until a search comes across
  // it: for one that is likely to be undone soon. False if the entry was another.
  bool replace(std::uint32_t block, BlockEntry before, BlockEntry after) noexcept {
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
  bool unlist_if_stale(std::uint32_t block, unsigned list_id) noexcept;

  // Makes free frames used, from frame index `first` on. Only while no other thread uses the zone.
  void withhold(std::uint64_t first, std::uint64_t count) noexcept;

  BlockIndex& listed(unsigned list_id) { return index_[list_id]; }
  const BlockIndex& listed(unsigned list_id) const { return index_[list_id]; }
  // Blocks that may hold something to report: wholly true when nobody is changing the zone (ZONE-6).
  BlockIndex& dirty() { return dirty_; }
  const BlockIndex& dirty() const { return dirty_; }
  ReportTrigger& trigger() { return trigger_; }

 private:
  struct Layout;

  bool counts(std::uint32_t block, unsigned used) noexcept;
  void relist(std::uint32_t block, BlockEntry before, BlockEntry after) noexcept;
  bool relist(std::uint32_t block, unsigned from, unsigned to) noexcept;

  std::atomic<std::uint64_t>* words_;
  std::atomic<std::uint64_t>* entries_;
  BlockIndex dirty_;
  BlockIndex index_[kLists];

  // Written by frees that exhaust the credit, and by the reporter: on a cache line of its own.
  alignas(64) ReportTrigger trigger_;
};

template <class Change>
BlockEntry BlockTables::update(std::uint32_t block, Change change, bool* changed) noexcept {
  std::atomic<std::uint64_t>& slot = entries_[block];
  // acquire: MO-7, an allocation that is refused here sees why.
  std::uint64_t raw = slot.load(std::memory_order_acquire);
  for (;;) {
    const BlockEntry before{raw};
    const BlockEntry after = change(before);
    if (after.raw() == raw) {
      if (changed != nullptr) *changed = false;
      return before;
    }
    // seq_cst: MO-1, acquires and releases the content of the frames with the block; and MO-3, the entry
    // changes before the lists do. acquire: MO-7, as above.
    if (!slot.compare_exchange_weak(raw, after.raw(), std::memory_order_seq_cst, std::memory_order_acquire))
      continue;
    if (!before.surely_listed_like(after)) [[unlikely]]
      relist(block, before, after);
    if (changed != nullptr) *changed = true;
    return before;
  }
}

// A wholly free block takes the mobility of its first user.
inline bool BlockTables::reserve_in_block(std::uint32_t block, unsigned n, unsigned marks, Mobility mobility,
                                          unsigned owner) noexcept {
  bool reserved = false;
  update(
      block,
      [=](BlockEntry e) {
        if (e.closed() || e.used() + n > kBlockFrames) return e;
        if (owner != 0 && e.owner() != owner) return e;
        return e.with_used(e.used() + n)
            .with_fewer_marked(marks)
            .with_mobility(e.used() == 0 ? mobility : e.mobility());
      },
      &reserved);
  return reserved;
}

inline void BlockTables::settle_taken(std::uint32_t block, unsigned surplus, int unmarked) noexcept {
  if (surplus == 0 && unmarked == 0) [[likely]]
    return;
  BlockEntry after;
  update(block, [=, &after](BlockEntry e) {
    return after = e.with_used(e.used() - surplus).with_fewer_marked(static_cast<unsigned>(unmarked));
  });
  // MO-4: some of the surplus may have been out of its words while the reporter passed the block.
  if (surplus > 0) note_free(block, after.used(), surplus);
}

inline void BlockTables::give_bits(std::uint64_t w, std::uint32_t bits, std::uint32_t marks) noexcept {
  std::uint64_t raw = words_[w].load(std::memory_order_relaxed);
  // release: MO-1.
  while (!words_[w].compare_exchange_weak(raw, FrameWord{raw}.give(bits, marks).raw,
                                          std::memory_order_release, std::memory_order_relaxed)) {
  }
}

inline std::uint32_t BlockTables::give_allocated_bits(std::uint64_t w, std::uint32_t bits,
                                                      std::uint32_t marks) noexcept {
  std::uint64_t raw = words_[w].load(std::memory_order_relaxed);
  std::uint32_t given;
  do {
    given = FrameWord{raw}.allocated() & bits;
    // release: MO-1.
  } while (!words_[w].compare_exchange_weak(raw, FrameWord{raw}.give(given, marks & given).raw,
                                            std::memory_order_release, std::memory_order_relaxed));
  return given;
}

// Makes the reporter look at the block. True if what became free there is to be counted.
inline bool BlockTables::counts(std::uint32_t block, unsigned used) noexcept {
  if (!matters(used)) return false;
  dirty_.insert_again(block);
  if (!trigger_.armed()) return false;
  // Half of a pair is nothing to who takes pairs. Of two halves freed at once the later sees the other's
  // entry.
  return trigger_.order() < kMaxOrder || entry(block ^ 1).wholly_free();
}

inline void BlockTables::note_free(std::uint32_t block, unsigned used, unsigned freed) noexcept {
  if (counts(block, used)) trigger_.spend(trigger_.limit() == 0 ? 1 : freed);
}

inline void BlockTables::note_free_bits(std::uint64_t w, unsigned used, std::uint32_t bits) noexcept {
  if (!counts(static_cast<std::uint32_t>(w / kBlockWords), used)) return;
  const unsigned order = trigger_.order().raw < kWordOrder ? trigger_.order().raw : kWordOrder;
  // relaxed: this thread has changed the word; of several that did, the last sees what all have freed.
  const FrameWord now{words_[w].load(std::memory_order_relaxed)};
  trigger_.spend(trigger_.limit() == 0 ? 1 : runs_with(run_heads(now.unreported(), order), bits, order));
}

}  // namespace fallow::detail
