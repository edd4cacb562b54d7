// Orders 9 and 10: one and two whole blocks, taken in their entries without a look at their words.
#include "fallow/zone/local_cache.h"

namespace fallow {
namespace {

constexpr std::uint64_t kEven = 0x5555555555555555;

constexpr detail::BlockEntry closed_whole(detail::BlockEntry e, Mobility mobility) {
  return e.with_used(detail::kBlockFrames)
      .with_marked(0)
      .with_whole(true)
      .with_reported(false)
      .with_owner(0)
      .with_mobility(mobility);
}

// Out of reach like what a device is being shown, so that a free of it is the misuse that it is.
constexpr detail::BlockEntry closed_half(detail::BlockEntry e) {
  return e.with_used(detail::kBlockFrames)
      .with_marked(0)
      .with_isolated(true)
      .with_reported(false)
      .with_owner(0);
}

}  // namespace

// Takes a wholly free block out of reach, and with Close::Whole makes it an allocated one unless open_whole()
// has to clear its words first. Its entry before tells what was marked. A block that has marks is taken only
// while `marks` are usable: forget_reported() may be at work there otherwise (ZONE-3).
bool LocalCache::close_free(std::uint32_t block, Mobility mobility, Close how, const MarksInUse& marks,
                            detail::BlockEntry* before) noexcept {
  bool closed = false;
  *before = tables_.update(
      block,
      [&](detail::BlockEntry e) {
        if (e.used() != 0 || e.splitting()) return e;
        if (e.marked() != 0 && !marks.usable()) return e;
        // Marks in words are cleared out of reach: a wrong free would split a block that looks allocated.
        const bool at_once = how == Close::Whole && (e.marked() == 0 || e.reported());
        return at_once ? closed_whole(e, mobility) : closed_half(e);
      },
      &closed);
  return closed;
}

// The block that this cache freed last, if it still lies there. It stays listed: whoever frees it again finds
// it so.
bool LocalCache::take_back_whole(Mobility mobility) noexcept {
  if (whole_last_ == detail::kNoBlock) return false;
  const detail::BlockEntry e = tables_.entry(whole_last_);
  if (!e.wholly_unreported() || !tables_.replace(whole_last_, e, closed_whole(e, mobility))) {
    whole_last_ = detail::kNoBlock;
    return false;
  }
  bump(taken_, detail::kBlockFrames);
  return true;
}

// The half becomes what it was. Nobody else changes a block that is out of reach, but for its ages.
void LocalCache::reopen_half(std::uint32_t block, detail::BlockEntry before) noexcept {
  gave_back_ = true;
  tables_.update(block, [before](detail::BlockEntry e) {
    return e.with_isolated(false).with_used(0).with_marked(before.marked()).with_reported(before.reported());
  });
  tables_.note_free(block, 0, 1);
}

// A search found the block listed as wholly free, and it is not.
void LocalCache::unlist_if_stale(std::uint32_t block) noexcept {
  for (const unsigned list_id : {detail::kFreeList, detail::kReportedList}) {
    if (tables_.listed(list_id).contains(block)) unlist_if_stale(block, list_id);
  }
}

// A block that was taken out of reach becomes an allocated one, without marks (R8). True if its content is
// what the device promised.
bool LocalCache::open_whole(std::uint32_t block, Mobility mobility, detail::BlockEntry before,
                            const MarksInUse& marks) noexcept {
  if (before.marked() != 0 && !before.reported()) write_words(block, detail::FrameWord{});
  tables_.update(block, [=](detail::BlockEntry e) {
    return e.isolated() ? closed_whole(e.with_isolated(false), mobility) : e;
  });
  bump(taken_, detail::kBlockFrames);
  bump(unmarked_, before.marked());
  bump(refaults_, before.marked());
  return before.marked() == detail::kBlockFrames && marks.usable() && tables_.marks_promise();
}

Allocation LocalCache::allocate_whole(Order order, Mobility mobility) noexcept {
  return order == detail::kBlockOrder ? allocate_block(mobility) : allocate_pair(mobility);
}

// The block freed last, else the lowest.
Allocation LocalCache::allocate_block(Mobility mobility) noexcept {
  if (take_back_whole(mobility))
    return {tables_.pfn_of(std::uint64_t{whole_last_} * detail::kBlockFrames), Status::Ok};
  for (const unsigned list_id : {detail::kFreeList, detail::kReportedList}) {
    const detail::BlockIndex& list = tables_.listed(list_id);
    for (const std::uint32_t begin : {whole_from_, std::uint32_t{0}}) {
      for (std::uint32_t b = list.find(begin); b != detail::kNoBlock; b = list.find(b + 1)) {
        if (const Allocation got = take_listed(b, list_id, mobility); got.ok()) return got;
      }
      if (begin == 0) break;
    }
  }
  // A search may miss a member while another thread removes its neighbours; the lowest level tells them all.
  for (const unsigned list_id : {detail::kFreeList, detail::kReportedList}) {
    const detail::BlockIndex& list = tables_.listed(list_id);
    for (std::uint32_t w = 0; w < list.words(); ++w) {
      for (std::uint64_t left = list.members_of_word(w); left != 0; left &= left - 1) {
        const std::uint32_t b = w * 64 + static_cast<std::uint32_t>(std::countr_zero(left));
        if (const Allocation got = take_listed(b, list_id, mobility); got.ok()) return got;
      }
    }
  }
  return {};
}

Allocation LocalCache::take_listed(std::uint32_t block, unsigned list_id, Mobility mobility) noexcept {
  const Allocation got = take_block(block, mobility);
  if (!got.ok()) unlist_if_stale(block, list_id);
  return got;
}

Allocation LocalCache::take_block(std::uint32_t block, Mobility mobility) noexcept {
  bool closed = false;
  const detail::BlockEntry before = tables_.update(
      block, [=](detail::BlockEntry e) { return e.wholly_unreported() ? closed_whole(e, mobility) : e; },
      &closed);
  if (!closed) return before.used() == 0 ? take_marked_block(block, mobility) : Allocation{};
  bump(taken_, detail::kBlockFrames);
  return {tables_.pfn_of(std::uint64_t{block} * detail::kBlockFrames), Status::Ok};
}

[[gnu::noinline]] Allocation LocalCache::take_marked_block(std::uint32_t block, Mobility mobility) noexcept {
  const MarksInUse marks(*this, true);
  detail::BlockEntry before;
  if (!close_free(block, mobility, Close::Whole, marks, &before)) return {};
  const bool promised = open_whole(block, mobility, before, marks);
  return {tables_.pfn_of(std::uint64_t{block} * detail::kBlockFrames), Status::Ok, promised};
}

Allocation LocalCache::allocate_pair(Mobility mobility) noexcept {
  const detail::BlockIndex& fresh = tables_.listed(detail::kFreeList);
  const detail::BlockIndex& reported = tables_.listed(detail::kReportedList);
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

Allocation LocalCache::take_pair(std::uint32_t block, Mobility mobility) noexcept {
  const MarksInUse marks(*this, tables_.entry(block).marked() != 0 || tables_.entry(block + 1).marked() != 0);
  detail::BlockEntry before[2];
  if (!close_free(block, mobility, Close::Half, marks, &before[0])) {
    unlist_if_stale(block);
    return {};
  }
  if (!close_free(block + 1, mobility, Close::Half, marks, &before[1])) {
    reopen_half(block, before[0]);
    unlist_if_stale(block + 1);
    return {};
  }
  const bool low = open_whole(block, mobility, before[0], marks),
             high = open_whole(block + 1, mobility, before[1], marks);
  return {tables_.pfn_of(std::uint64_t{block} * detail::kBlockFrames), Status::Ok, low && high};
}

bool LocalCache::give_whole(std::uint32_t block) noexcept {
  bool given = false;
  tables_.update(
      block,
      [this](detail::BlockEntry e) {
        if (!e.whole() || e.splitting()) return e;
        return e.with_whole(false).with_used(0).stamped(0xff, tables_.clock().tick());
      },
      &given);
  if (!given) return false;
  count_returned(detail::kBlockFrames);
  tables_.note_free(block, 0, 1);
  return true;
}

// A part of a block is wanted whose state is in its entry: it moves into the words. Of a block that is
// allocated as a whole, if a part is to be freed; of one that is reported as a whole, if single frames are to
// be taken. When this returns the words are as written, whoever wrote them; nothing happens to any other
// block. True if this cache did it, and then the block is `owner`'s.
bool LocalCache::split(std::uint32_t block, bool reported, unsigned owner) noexcept {
  bool ours = false;
  tables_.update(
      block,
      [reported](detail::BlockEntry e) {
        if (reported ? !e.reported() : !e.whole()) return e;
        return e.with_whole(false).with_reported(false).with_splitting(true);
      },
      &ours);
  if (ours) {
    write_words(block, reported ? detail::FrameWord::of(0, detail::kWholeWord)
                                : detail::FrameWord::of(detail::kWholeWord, 0));
    const detail::BlockEntry e = tables_.update(
        block, [owner](detail::BlockEntry old) { return old.with_splitting(false).with_owner(owner); });
    // MO-4: others may have freed parts of it by its words, and the reporter passed it while it was closed.
    if (!reported && e.used() < detail::kBlockFrames)
      tables_.note_free(block, e.used(), detail::kBlockFrames - e.used());
  }
  while (tables_.entry(block).splitting()) tables_.port().relax();
  return ours;
}

// Of a block that this cache has closed (ZONE-4).
void LocalCache::write_words(std::uint32_t block, detail::FrameWord state) noexcept {
  for (unsigned w = 0; w < detail::kBlockWords; ++w) {
    // relaxed: the entry that opens the block releases it; a free that finds its frame used sooner needs
    // nothing but the word.
    tables_.word(std::uint64_t{block} * detail::kBlockWords + w).store(state.raw, std::memory_order_relaxed);
  }
}

}  // namespace fallow
