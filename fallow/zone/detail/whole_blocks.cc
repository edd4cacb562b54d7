#include "fallow/zone/detail/whole_blocks.h"

#include <bit>
#include <initializer_list>

namespace fallow::detail {
namespace {

constexpr std::uint64_t kEven = 0x5555555555555555;

constexpr BlockEntry closed_whole(BlockEntry e, Mobility mobility) {
  return e.with_used(kBlockFrames)
      .with_reported_frames(0)
      .with_whole(true)
      .with_reported(false)
      .with_owner(0)
      .with_mobility(mobility);
}

// Out of reach like a block that is being reported, so that a free of it is refused as misuse.
constexpr BlockEntry closed_half(BlockEntry e) {
  return e.with_used(kBlockFrames)
      .with_reported_frames(0)
      .with_isolated(true)
      .with_reported(false)
      .with_owner(0);
}

}  // namespace

// Takes a wholly free block out of reach. With Close::Whole it becomes allocated at once, unless open_whole()
// has to clear its words first. `before` receives the old entry, which tells how many frames were reported. A
// block with reported frames is taken only while `in_use` is usable; otherwise forget_reported() may be
// working on it (ZONE-3).
bool WholeBlocks::close_free(std::uint32_t block, Mobility mobility, Close how, const ReportedInUse& in_use,
                             BlockEntry* before) noexcept {
  bool closed = false;
  *before = tables_.update(
      block,
      [&](BlockEntry e) {
        if (e.used() != 0 || e.splitting()) return e;
        if (e.reported_frames() != 0 && !in_use.usable()) return e;
        // The words are cleared while the block is out of reach: a wrong free would split an allocated block.
        const bool at_once = how == Close::Whole && (e.reported_frames() == 0 || e.reported());
        return at_once ? closed_whole(e, mobility) : closed_half(e);
      },
      &closed);
  return closed;
}

// Takes the block that this cache freed last, if it is still free. The block stays listed, as the next free
// expects it.
bool WholeBlocks::take_back_whole(Mobility mobility) noexcept {
  if (whole_last_ == kNoBlock) return false;
  const BlockEntry e = tables_.entry(whole_last_);
  if (!e.wholly_unreported() || !tables_.replace(whole_last_, e, closed_whole(e, mobility))) {
    whole_last_ = kNoBlock;
    return false;
  }
  bump(taken_, kBlockFrames);
  return true;
}

// Restores the half. No other thread changes a block that is out of reach, except for its ages.
void WholeBlocks::reopen_half(std::uint32_t block, BlockEntry before) noexcept {
  gave_back_ = true;
  tables_.update(block, [before](BlockEntry e) {
    return e.with_isolated(false)
        .with_used(0)
        .with_reported_frames(before.reported_frames())
        .with_reported(before.reported());
  });
  tables_.note_free(block, 0, 1);
}

// Called when a search found the block listed as wholly free and could not take it.
void WholeBlocks::unlist_stale_free(std::uint32_t block) noexcept {
  for (const unsigned list_id : {kFreeList, kReportedList}) {
    if (tables_.listed(list_id).contains(block)) unlist_if_stale(block, list_id);
  }
}

// Turns a block that was taken out of reach into an allocated block without reported frames (R8). True if its
// content is what the device promised.
bool WholeBlocks::open_whole(std::uint32_t block, Mobility mobility, BlockEntry before,
                             const ReportedInUse& in_use) noexcept {
  if (before.reported_frames() != 0 && !before.reported()) write_words(block, FrameWord{});
  tables_.update(
      block, [=](BlockEntry e) { return e.isolated() ? closed_whole(e.with_isolated(false), mobility) : e; });
  bump(taken_, kBlockFrames);
  bump(reported_taken_, before.reported_frames());
  bump(refaults_, before.reported_frames());
  return before.reported_frames() == kBlockFrames && in_use.usable() && tables_.content_known();
}

Allocation WholeBlocks::allocate_whole(Order order, Mobility mobility) noexcept {
  return order == kBlockOrder ? allocate_block(mobility) : allocate_pair(mobility);
}

// Takes the block freed last, otherwise the lowest.
Allocation WholeBlocks::allocate_block(Mobility mobility) noexcept {
  if (take_back_whole(mobility))
    return {tables_.pfn_of(std::uint64_t{whole_last_} * kBlockFrames), Status::Ok};
  for (const unsigned list_id : {kFreeList, kReportedList}) {
    const BlockIndex& list = tables_.listed(list_id);
    for (const std::uint32_t begin : {whole_from_, std::uint32_t{0}}) {
      for (std::uint32_t b = list.find(begin); b != kNoBlock; b = list.find(b + 1)) {
        if (const Allocation got = take_listed(b, list_id, mobility); got.ok()) return got;
      }
      if (begin == 0) break;
    }
  }
  // A search may miss a member while another thread removes its neighbours; the lowest level shows all
  // members.
  for (const unsigned list_id : {kFreeList, kReportedList}) {
    const BlockIndex& list = tables_.listed(list_id);
    for (std::uint32_t w = 0; w < list.words(); ++w) {
      for (std::uint64_t left = list.members_of_word(w); left != 0; left &= left - 1) {
        const std::uint32_t b = w * 64 + static_cast<std::uint32_t>(std::countr_zero(left));
        if (const Allocation got = take_listed(b, list_id, mobility); got.ok()) return got;
      }
    }
  }
  return {};
}

Allocation WholeBlocks::take_listed(std::uint32_t block, unsigned list_id, Mobility mobility) noexcept {
  const Allocation got = take_block(block, mobility);
  if (!got.ok()) unlist_if_stale(block, list_id);
  return got;
}

Allocation WholeBlocks::take_block(std::uint32_t block, Mobility mobility) noexcept {
  bool closed = false;
  const BlockEntry before = tables_.update(
      block, [=](BlockEntry e) { return e.wholly_unreported() ? closed_whole(e, mobility) : e; }, &closed);
  if (!closed) return before.used() == 0 ? take_reported_block(block, mobility) : Allocation{};
  bump(taken_, kBlockFrames);
  return {tables_.pfn_of(std::uint64_t{block} * kBlockFrames), Status::Ok};
}

[[gnu::noinline]] Allocation WholeBlocks::take_reported_block(std::uint32_t block,
                                                              Mobility mobility) noexcept {
  const ReportedInUse in_use(*this, true);
  BlockEntry before;
  if (!close_free(block, mobility, Close::Whole, in_use, &before)) return {};
  const bool content_known = open_whole(block, mobility, before, in_use);
  return {tables_.pfn_of(std::uint64_t{block} * kBlockFrames), Status::Ok, content_known};
}

Allocation WholeBlocks::allocate_pair(Mobility mobility) noexcept {
  const BlockIndex& fresh = tables_.listed(kFreeList);
  const BlockIndex& reported = tables_.listed(kReportedList);
  // Pairs without a reported block come first.
  for (const bool any : {false, true}) {
    for (std::uint32_t w = 0; w < fresh.words(); ++w) {
      const std::uint64_t free = fresh.members_of_word(w) | (any ? reported.members_of_word(w) : 0);
      for (std::uint64_t pairs = free & (free >> 1) & kEven; pairs != 0; pairs &= pairs - 1) {
        const std::uint32_t block = w * 64 + static_cast<std::uint32_t>(std::countr_zero(pairs));
        if (const Allocation got = take_pair(block, mobility); got.ok()) return got;
      }
    }
  }
  return {};
}

Allocation WholeBlocks::take_pair(std::uint32_t block, Mobility mobility) noexcept {
  const ReportedInUse in_use(
      *this, tables_.entry(block).reported_frames() != 0 || tables_.entry(block + 1).reported_frames() != 0);
  BlockEntry before[2];
  if (!close_free(block, mobility, Close::Half, in_use, &before[0])) {
    unlist_stale_free(block);
    return {};
  }
  if (!close_free(block + 1, mobility, Close::Half, in_use, &before[1])) {
    reopen_half(block, before[0]);
    unlist_stale_free(block + 1);
    return {};
  }
  const bool low = open_whole(block, mobility, before[0], in_use),
             high = open_whole(block + 1, mobility, before[1], in_use);
  return {tables_.pfn_of(std::uint64_t{block} * kBlockFrames), Status::Ok, low && high};
}

bool WholeBlocks::give_whole(std::uint32_t block) noexcept {
  bool given = false;
  tables_.update(
      block,
      [this](BlockEntry e) {
        if (!e.whole() || e.splitting()) return e;
        return e.with_whole(false).with_used(0).stamped(0xff, tables_.clock().tick());
      },
      &given);
  if (!given) return false;
  count_returned(kBlockFrames);
  tables_.note_free(block, 0, 1);
  return true;
}

// Moves the state of a block from its entry into its words, because a part of the block is needed. With
// `reported`, the block is reported as a whole and single frames are to be taken; otherwise it is allocated
// as a whole and a part is to be freed. Any other block is left alone. Waits until the words are written, by
// this or another thread. True if this cache wrote them; the block then belongs to `owner`.
bool WholeBlocks::split(std::uint32_t block, bool reported, unsigned owner) noexcept {
  bool ours = false;
  tables_.update(
      block,
      [reported](BlockEntry e) {
        if (reported ? !e.reported() : !e.whole()) return e;
        return e.with_whole(false).with_reported(false).with_splitting(true);
      },
      &ours);
  if (ours) {
    write_words(block, reported ? FrameWord::of(0, kWholeWord) : FrameWord::of(kWholeWord, 0));
    const BlockEntry e = tables_.update(
        block, [owner](BlockEntry old) { return old.with_splitting(false).with_owner(owner); });
    // MO-4: others may have freed parts of it through its words while the reporter passed the closed block.
    if (!reported && e.used() < kBlockFrames) tables_.note_free(block, e.used(), kBlockFrames - e.used());
  }
  while (tables_.entry(block).splitting()) tables_.port().relax();
  return ours;
}

// Writes the words of a block that this cache has closed (ZONE-4).
void WholeBlocks::write_words(std::uint32_t block, FrameWord state) noexcept {
  for (unsigned w = 0; w < kBlockWords; ++w) {
    // relaxed: the entry that opens the block releases it. A free that sees its frame used earlier needs only
    // the word.
    tables_.word(std::uint64_t{block} * kBlockWords + w).store(state.raw, std::memory_order_relaxed);
  }
}

}  // namespace fallow::detail
