// Orders 9 and 10: one and two whole blocks, taken in their entries without a look at their words.
#include "fallow/zone/local_cache.h"

namespace fallow {
namespace {

constexpr std::uint64_t kEven = 0x5555555555555555;

constexpr BlockEntry closed_whole(BlockEntry e, Mobility mobility) {
  return e.with_used(kBlockFrames)
      .with_marked(0)
      .with_whole(true)
      .with_reported(false)
      .with_owner(0)
      .with_mobility(mobility);
}

}  // namespace

// Closes a wholly free block; its entry before tells what was marked.
bool LocalCache::close_whole(std::uint32_t block, Mobility mobility, BlockEntry* before) noexcept {
  bool closed = false;
  *before = zone_.update(
      block, [=](BlockEntry e) { return e.used() != 0 || e.splitting() ? e : closed_whole(e, mobility); },
      &closed);
  return closed;
}

// The block that this cache freed last, if it still lies there. It stays listed: whoever frees it again finds
// it so.
bool LocalCache::take_back_whole(Mobility mobility) noexcept {
  if (whole_last_ == kNoBlock) return false;
  const BlockEntry e = zone_.entry(whole_last_);
  if (!e.wholly_unreported() || !zone_.replace(whole_last_, e, closed_whole(e, mobility))) {
    whole_last_ = kNoBlock;
    return false;
  }
  bump(taken_, kBlockFrames);
  return true;
}

void LocalCache::reopen_whole(std::uint32_t block, BlockEntry before, std::uint32_t forgets) noexcept {
  zone_.update(block, [before](BlockEntry) { return before.with_owner(0); });
  if (before.marked() != 0) zone_.settle_marks(block, forgets);
  zone_.note_free(block, 0, 1);
}

// The marks of a block that was closed go (R8). True if its content is what the device promised.
bool LocalCache::clear_marks(std::uint32_t block, BlockEntry before) noexcept {
  bump(taken_, kBlockFrames);
  if (before.marked() == 0) return false;
  if (!before.reported()) write_words(block, FrameWord{});
  bump(unmarked_, before.marked());
  bump(refaults_, before.marked());
  return before.marked() == kBlockFrames && zone_.marks_promise();
}

Allocation LocalCache::allocate_whole(Order order, Mobility mobility) noexcept {
  return order == kBlockOrder ? allocate_block(mobility) : allocate_pair(mobility);
}

// The block freed last, else the lowest.
Allocation LocalCache::allocate_block(Mobility mobility) noexcept {
  if (take_back_whole(mobility)) return {zone_.pfn_of(std::uint64_t{whole_last_} * kBlockFrames), Status::Ok};
  for (const unsigned home : {kHomeFree, kHomeReported}) {
    const BlockIndex& list = zone_.listed(home);
    for (const std::uint32_t begin : {whole_from_, std::uint32_t{0}}) {
      for (std::uint32_t b = list.find(begin); b != kNoBlock; b = list.find(b + 1)) {
        BlockEntry before;
        if (close_whole(b, mobility, &before)) {
          const bool promised = clear_marks(b, before);
          return {zone_.pfn_of(std::uint64_t{b} * kBlockFrames), Status::Ok, promised};
        }
        zone_.mend_listing(b, home);
      }
      if (begin == 0) break;
    }
  }
  return {};
}

Allocation LocalCache::allocate_pair(Mobility mobility) noexcept {
  const BlockIndex& fresh = zone_.listed(kHomeFree);
  const BlockIndex& reported = zone_.listed(kHomeReported);
  // Pairs without a reported block come first.
  for (const bool any : {false, true}) {
    for (std::uint32_t w = 0; w < fresh.words(); ++w) {
      const std::uint64_t free = fresh.members_of_word(w) | (any ? reported.members_of_word(w) : 0);
      for (std::uint64_t pairs = free & (free >> 1) & kEven; pairs != 0; pairs &= pairs - 1) {
        const std::uint32_t block = w * 64 + static_cast<std::uint32_t>(std::countr_zero(pairs));
        const std::uint32_t forgets = zone_.forgets();
        BlockEntry before[2];
        if (!close_whole(block, mobility, &before[0])) continue;
        if (!close_whole(block + 1, mobility, &before[1])) {
          reopen_whole(block, before[0], forgets);
          continue;
        }
        const bool low = clear_marks(block, before[0]), high = clear_marks(block + 1, before[1]);
        return {zone_.pfn_of(std::uint64_t{block} * kBlockFrames), Status::Ok, low && high};
      }
    }
  }
  return {};
}

bool LocalCache::give_whole(std::uint32_t block) noexcept {
  bool given = false;
  zone_.update(
      block,
      [this](BlockEntry e) {
        if (!e.whole() || e.splitting()) return e;
        return e.with_whole(false).with_used(0).stamped(0xff, zone_.tick());
      },
      &given);
  if (!given) return false;
  bump(returned_, kBlockFrames);
  zone_.note_free(block, 0, 1);
  return true;
}

// A part of a block is wanted whose state is in its entry: it moves into the words. Of a block that is
// allocated as a whole, if a part is to be freed; of one that is reported as a whole, if single frames are to
// be taken. When this returns the words are as written, whoever wrote them; nothing happens to any other
// block. True if this cache did it, and then the block is `owner`'s.
bool LocalCache::split(std::uint32_t block, bool reported, unsigned owner) noexcept {
  bool ours = false;
  zone_.update(
      block,
      [reported](BlockEntry e) {
        if (reported ? !e.reported() : !e.whole()) return e;
        return e.with_whole(false).with_reported(false).with_splitting(true);
      },
      &ours);
  if (ours) {
    write_words(block, reported ? FrameWord::of(0, kWholeWord) : FrameWord::of(kWholeWord, 0));
    zone_.update(block, [owner](BlockEntry e) { return e.with_splitting(false).with_owner(owner); });
  }
  while (zone_.entry(block).splitting()) zone_.port().relax();
  return ours;
}

// Of a block that this cache has closed (ZONE-4).
void LocalCache::write_words(std::uint32_t block, FrameWord state) noexcept {
  for (unsigned w = 0; w < kBlockWords; ++w) {
    // relaxed: the entry that opens the block releases it; a free that finds its frame used sooner needs
    // nothing but the word.
    zone_.word(std::uint64_t{block} * kBlockWords + w).store(state.raw, std::memory_order_relaxed);
  }
}

}  // namespace fallow
