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

  // Fetches the cache lines that isolating the block and putting it back will write.
  void prefetch(std::uint32_t block) const noexcept {
    __builtin_prefetch(&entries_[block], 1);
    index_[kFreeList].prefetch(block);
    index_[kReportedList].prefetch(block);
  }
  // relaxed: for checks that do not decide anything by themselves.
  BlockEntry entry_hint(std::uint64_t block) const noexcept {
    return BlockEntry{entries_[block].load(std::memory_order_relaxed)};
  }

  // Changes an entry in one step. `change` maps the old entry to the new one, or to the same entry to refuse.
  // Moves the block to another list if list_of() its entry has changed. Returns the old entry and sets
  // `changed`.
  template <class Change>
  BlockEntry update(std::uint32_t block, Change change, bool* changed = nullptr) noexcept;

  // Replaces `before` by `after`, and returns false if the entry is not `before`. The block stays on its old
  // list until a search finds it there: for a change that is likely to be undone soon.
  bool replace(std::uint32_t block, BlockEntry before, BlockEntry after) noexcept {
    std::uint64_t raw = before.raw();
    // seq_cst: as in update().
    return entries_[block].compare_exchange_strong(raw, after.raw(), std::memory_order_seq_cst,
                                                   std::memory_order_relaxed);
  }

  // Reserves `n` frames of the block that the caller is about to take, `reported` of them reported. Fails if
  // the block cannot hold them. ZONE-2: `used` counts frames that are taken or reserved; settle_taken()
  // corrects it afterwards. With an `owner`, also fails unless that cache owns the block. Both happen in one
  // step, because a wholly free block may be taken from its owner at any moment, and a block with a
  // reservation may not (ZONE-8).
  bool reserve_in_block(std::uint32_t block, unsigned n, unsigned reported, Mobility mobility,
                        unsigned owner = 0) noexcept;
  // Ends a reservation. `surplus` frames of it were not taken, and `reported_taken` more of the taken frames
  // were reported than announced (fewer if negative).
  void settle_taken(std::uint32_t block, unsigned surplus, int reported_taken) noexcept;

  // Frees `bits` of a word, which belong to the caller; those in `reported` become reported. Call before the
  // entry is changed.
  void give_bits(std::uint64_t w, std::uint32_t bits, std::uint32_t reported) noexcept;

  // Does the same for those of `bits` that are allocated, and returns them: all of them, unless there was
  // misuse.
  std::uint32_t give_allocated_bits(std::uint64_t w, std::uint32_t bits, std::uint32_t reported) noexcept;

  // Whether a block with this many used frames matters to the reporter. Call after its entry has changed
  // (MO-5).
  bool matters(unsigned used) const noexcept { return used <= trigger_.limit(); }

  // Makes the reporter look at a block in which frames became free. Call after its entry has changed. `freed`
  // is an upper bound of the free blocks of the reporting order, or larger, that this created.
  void note_free(std::uint32_t block, unsigned used, unsigned freed) noexcept;
  // The same for frames of one word.
  void note_free_bits(std::uint64_t w, unsigned used, std::uint32_t bits) noexcept;

  // Called when a search finds the block on a list: removes it from that list unless it belongs there. True
  // if it came to belong there meanwhile, so that it was missing from the list for a moment.
  bool unlist_if_stale(std::uint32_t block, unsigned list_id) noexcept;

  // Makes free frames used, from frame index `first` on. Only while no other thread uses the zone.
  void withhold(std::uint64_t first, std::uint64_t count) noexcept;

  BlockIndex& listed(unsigned list_id) { return index_[list_id]; }
  const BlockIndex& listed(unsigned list_id) const { return index_[list_id]; }
  // Blocks that may hold something to report. Exact while no thread changes the zone (ZONE-6).
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
inline bool BlockTables::reserve_in_block(std::uint32_t block, unsigned n, unsigned reported,
                                          Mobility mobility, unsigned owner) noexcept {
  bool reserved = false;
  update(
      block,
      [=](BlockEntry e) {
        if (e.closed() || e.used() + n > kBlockFrames) return e;
        if (owner != 0 && e.owner() != owner) return e;
        return e.with_used(e.used() + n)
            .with_fewer_reported(reported)
            .with_mobility(e.used() == 0 ? mobility : e.mobility());
      },
      &reserved);
  return reserved;
}

inline void BlockTables::settle_taken(std::uint32_t block, unsigned surplus, int reported_taken) noexcept {
  if (surplus == 0 && reported_taken == 0) [[likely]]
    return;
  BlockEntry after;
  update(block, [=, &after](BlockEntry e) {
    return after = e.with_used(e.used() - surplus).with_fewer_reported(static_cast<unsigned>(reported_taken));
  });
  // MO-4: some of the surplus may have been missing from its words while the reporter passed the block.
  if (surplus > 0) note_free(block, after.used(), surplus);
}

inline void BlockTables::give_bits(std::uint64_t w, std::uint32_t bits, std::uint32_t reported) noexcept {
  std::uint64_t raw = words_[w].load(std::memory_order_relaxed);
  // release: MO-1.
  while (!words_[w].compare_exchange_weak(raw, FrameWord{raw}.give(bits, reported).raw,
                                          std::memory_order_release, std::memory_order_relaxed)) {
  }
}

inline std::uint32_t BlockTables::give_allocated_bits(std::uint64_t w, std::uint32_t bits,
                                                      std::uint32_t reported) noexcept {
  std::uint64_t raw = words_[w].load(std::memory_order_relaxed);
  std::uint32_t given;
  do {
    given = FrameWord{raw}.allocated() & bits;
    // release: MO-1.
  } while (!words_[w].compare_exchange_weak(raw, FrameWord{raw}.give(given, reported & given).raw,
                                            std::memory_order_release, std::memory_order_relaxed));
  return given;
}

// Makes the reporter look at the block. True if the frames that became free there count against the credit.
inline bool BlockTables::counts(std::uint32_t block, unsigned used) noexcept {
  if (!matters(used)) return false;
  dirty_.insert_again(block);
  if (!trigger_.armed()) return false;
  // A single half of a pair does not count as a free block of order 10. If both halves are freed at once, the
  // later free sees the entry of the other half.
  return trigger_.order() < kMaxOrder || entry(block ^ 1).wholly_free();
}

inline void BlockTables::note_free(std::uint32_t block, unsigned used, unsigned freed) noexcept {
  if (counts(block, used)) trigger_.spend(trigger_.limit() == 0 ? 1 : freed);
}

inline void BlockTables::note_free_bits(std::uint64_t w, unsigned used, std::uint32_t bits) noexcept {
  if (!counts(static_cast<std::uint32_t>(w / kBlockWords), used)) return;
  const unsigned order = trigger_.order().raw < kWordOrder ? trigger_.order().raw : kWordOrder;
  // relaxed: this thread has changed the word; of several threads that did, the last sees all frees.
  const FrameWord now{words_[w].load(std::memory_order_relaxed)};
  trigger_.spend(trigger_.limit() == 0 ? 1 : runs_with(run_heads(now.unreported(), order), bits, order));
}

}  // namespace fallow::detail
