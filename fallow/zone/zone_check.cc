#include "fallow/zone/zone_check.h"

#include <bit>

#include "fallow/zone/detail/frame_word.h"
#include "fallow/zone/local_cache.h"

namespace fallow {
namespace {

// Sums over the blocks, to be held against the counters.
struct Totals {
  std::uint64_t used = 0, marked = 0, isolated = 0, held = 0;
};

// Frames of the word that lie free in the hand of some cache.
struct Held {
  std::uint32_t bits = 0;
  bool twice = false;
  bool elsewhere = false;  // in the hand of a cache that does not own the block
};

Held held_by_caches(const Zone& zone, std::uint32_t word, unsigned owner) {
  Held held;
  for (std::uint32_t i = 0; i < zone.cache_count(); ++i) {
    const std::uint32_t bits = zone.cache(i).in_hand(word, detail::kWholeWord);
    held.twice = held.twice || (held.bits & bits) != 0;
    held.elsewhere = held.elsewhere || (bits != 0 && i + 1 != owner);
    held.bits |= bits;
  }
  return held;
}

const char* check_words(const Zone& zone, std::uint32_t block, detail::BlockEntry e, Totals* totals) {
  unsigned used = 0, marked = 0;
  for (unsigned i = 0; i < detail::kBlockWords; ++i) {
    const std::uint32_t w = block * detail::kBlockWords + i;
    const detail::FrameWord word{zone.word(w).load(std::memory_order_relaxed)};
    const Held held = held_by_caches(zone, w, e.owner());
    if (held.twice) return "ZONE-8: no frame is in two hands";
    if (held.elsewhere) return "ZONE-8: a hand lies in a block that its cache owns";
    if ((held.bits & ~word.allocated()) != 0) return "ZONE-8: a frame in a hand is used and unmarked";
    used += detail::count_ones(word.used());
    marked += detail::count_ones(word.mark() & word.free());
    totals->isolated += detail::count_ones(word.isolated());
    totals->held += detail::count_ones(held.bits);
  }
  if (used != e.used()) return "ZONE-2: used counts the used frames of the words";
  if (marked != e.marked()) return "ZONE-3: marked counts the marks of the free frames";
  return nullptr;
}

const char* check_closed(const Zone& zone, std::uint32_t block, detail::BlockEntry e, Totals* totals) {
  if (e.splitting() || e.whole() + e.isolated() + e.reported() != 1) {
    return "ZONE-4: a closed block is whole, isolated or reported";
  }
  if (e.reported() && (e.used() != 0 || e.marked() != detail::kBlockFrames)) {
    return "ZONE-4: a reported block is free and marked all over";
  }
  if (!e.reported() && (e.used() != detail::kBlockFrames || e.marked() != 0)) {
    return "ZONE-4: a closed block is used all over";
  }
  if (e.isolated()) totals->isolated += detail::kBlockFrames;
  for (unsigned i = 0; i < detail::kBlockWords; ++i) {
    if (zone.word(std::uint64_t{block} * detail::kBlockWords + i).load(std::memory_order_relaxed) != 0) {
      return "ZONE-4: the words of a closed block are zero";
    }
  }
  return nullptr;
}

const char* check_block(const Zone& zone, std::uint32_t block, Totals* totals) {
  const detail::BlockEntry e = zone.entry(block);
  if (static_cast<unsigned>(e.mobility()) >= kMobilities)
    return "ZONE-1: a block has one of three mobilities";
  if (e.owner() > zone.cache_count()) return "ZONE-1: a block is owned by a cache of its zone";
  const char* wrong = e.closed() ? check_closed(zone, block, e, totals) : check_words(zone, block, e, totals);
  if (wrong != nullptr) return wrong;
  totals->used += e.used();
  totals->marked += e.marked();
  if (detail::home(e) != detail::kNoHome && !zone.listed(detail::home(e)).contains(block))
    return "ZONE-5: a block is listed at home";
  if (e.wholly_unreported() && zone.entry(block ^ 1).wholly_unreported() && !zone.dirty().contains(block) &&
      !zone.dirty().contains(block ^ 1)) {
    return "ZONE-6: what can be reported is in a dirty block";
  }
  return nullptr;
}

}  // namespace

Violation zone_check(const Zone& zone) noexcept {
  Totals totals;
  for (std::uint32_t b = 0; b < zone.blocks(); ++b) {
    const char* wrong = check_block(zone, b, &totals);
    if (wrong != nullptr) return {wrong, zone.pfn_of(std::uint64_t{b} * detail::kBlockFrames)};
  }
  bool exact = zone.dirty().is_exact();
  for (unsigned h = 0; h < detail::kHomes; ++h) exact = exact && zone.listed(h).is_exact();
  if (!exact) return {"IDX-1: a quiet search is exact", zone.base()};
  std::uint64_t out = 0, unmarked = 0, in_hands = 0;
  for (std::uint32_t i = 0; i < zone.cache_count(); ++i) {
    const CacheCounts c = zone.cache(i).counts();
    out += c.taken - c.returned;
    unmarked += c.unmarked;
    in_hands += c.in_hands;
  }
  const std::uint64_t withheld = std::uint64_t{zone.blocks()} * detail::kBlockFrames - zone.size().raw;
  const std::uint64_t isolated = zone.isolated().load(std::memory_order_relaxed);
  if (totals.isolated != isolated) return {"ZONE-7: isolated counts the isolated frames", zone.base()};
  if (totals.used != withheld + zone.reserved().raw + out + isolated) {
    return {"ZONE-7: what left the blocks and did not come back is used", zone.base()};
  }
  if (totals.marked != zone.marks_given().load(std::memory_order_relaxed) - unmarked) {
    return {"ZONE-7: marks given and not taken are there", zone.base()};
  }
  if (totals.held != in_hands) return {"ZONE-8: a hand holds frames of its zone", zone.base()};
  return {};
}

}  // namespace fallow
