#include "fallow/zone/zone_check.h"

#include <bit>

#include "fallow/zone/detail/frame_word.h"
#include "fallow/zone/local_cache.h"

namespace fallow {
namespace {

// Sums over the blocks, to be compared with the counters.
struct Totals {
  std::uint64_t used = 0, reported = 0, isolated = 0, held = 0;
};

// The frames of a word that lie free in the hand of some cache.
struct Held {
  std::uint32_t bits = 0;
  bool twice = false;
  bool elsewhere = false;  // in the hand of a cache that does not own the block
};

Held held_by_caches(const detail::ZoneTables& tables, std::uint32_t word, unsigned owner) {
  Held held;
  for (std::uint32_t i = 0; i < tables.cache_count(); ++i) {
    const std::uint32_t bits = tables.cache(i).in_hand(word, detail::kWholeWord);
    held.twice = held.twice || (held.bits & bits) != 0;
    held.elsewhere = held.elsewhere || (bits != 0 && i + 1 != owner);
    held.bits |= bits;
  }
  return held;
}

const char* check_words(const detail::ZoneTables& tables, std::uint32_t block, detail::BlockEntry e,
                        Totals* totals) {
  unsigned used = 0, reported = 0;
  for (unsigned i = 0; i < detail::kBlockWords; ++i) {
    const std::uint32_t w = block * detail::kBlockWords + i;
    const detail::FrameWord word{tables.word(w).load(std::memory_order_relaxed)};
    const Held held = held_by_caches(tables, w, e.owner());
    if (held.twice) return "ZONE-8: no frame is in two hands";
    if (held.elsewhere) return "ZONE-8: a hand lies in a block that its cache owns";
    if ((held.bits & ~word.allocated()) != 0) return "ZONE-8: a frame in a hand is used and not reported";
    used += detail::count_ones(word.used());
    reported += detail::count_ones(word.report_bits() & word.free());
    totals->isolated += detail::count_ones(word.isolated());
    totals->held += detail::count_ones(held.bits);
  }
  if (used != e.used()) return "ZONE-2: used counts the used frames of the words";
  if (reported != e.reported_frames()) return "ZONE-3: reported counts the free frames that are reported";
  return nullptr;
}

const char* check_closed(const detail::ZoneTables& tables, std::uint32_t block, detail::BlockEntry e,
                         Totals* totals) {
  if (e.splitting() || e.whole() + e.isolated() + e.reported() != 1) {
    return "ZONE-4: a closed block is whole, isolated or reported";
  }
  if (e.reported() && (e.used() != 0 || e.reported_frames() != detail::kBlockFrames)) {
    return "ZONE-4: every frame of a reported block is free and reported";
  }
  if (!e.reported() && (e.used() != detail::kBlockFrames || e.reported_frames() != 0)) {
    return "ZONE-4: every frame of a closed block is used";
  }
  if (e.isolated()) totals->isolated += detail::kBlockFrames;
  for (unsigned i = 0; i < detail::kBlockWords; ++i) {
    if (tables.word(std::uint64_t{block} * detail::kBlockWords + i).load(std::memory_order_relaxed) != 0) {
      return "ZONE-4: the words of a closed block are zero";
    }
  }
  return nullptr;
}

const char* check_block(const detail::ZoneTables& tables, std::uint32_t block, Totals* totals) {
  const detail::BlockEntry e = tables.entry(block);
  if (static_cast<unsigned>(e.mobility()) >= kMobilities)
    return "ZONE-1: a block has one of three mobilities";
  if (e.owner() > tables.cache_count()) return "ZONE-1: a block is owned by a cache of its zone";
  const char* wrong =
      e.closed() ? check_closed(tables, block, e, totals) : check_words(tables, block, e, totals);
  if (wrong != nullptr) return wrong;
  totals->used += e.used();
  totals->reported += e.reported_frames();
  if (detail::list_of(e) != detail::kNoList && !tables.listed(detail::list_of(e)).contains(block))
    return "ZONE-5: a block is listed where list_of() its entry says";
  if (e.wholly_unreported() && tables.entry(block ^ 1).wholly_unreported() &&
      !tables.dirty().contains(block) && !tables.dirty().contains(block ^ 1)) {
    return "ZONE-6: frames that can be reported are in a dirty block";
  }
  return nullptr;
}

}  // namespace

Violation zone_check(const Zone& zone) noexcept {
  const detail::ZoneTables& tables = zone.tables();
  Totals totals;
  for (std::uint32_t b = 0; b < tables.blocks(); ++b) {
    const char* wrong = check_block(tables, b, &totals);
    if (wrong != nullptr) return {wrong, tables.pfn_of(std::uint64_t{b} * detail::kBlockFrames)};
  }
  bool exact = tables.dirty().is_exact();
  for (unsigned h = 0; h < detail::kLists; ++h) exact = exact && tables.listed(h).is_exact();
  if (!exact) return {"IDX-1: a quiet search is exact", tables.base()};
  std::uint64_t out = 0, reported_taken = 0, in_hands = 0;
  for (std::uint32_t i = 0; i < tables.cache_count(); ++i) {
    const CacheCounts c = tables.cache(i).counts();
    out += c.taken - c.returned;
    reported_taken += c.reported_taken;
    in_hands += c.in_hands;
  }
  const std::uint64_t withheld = std::uint64_t{tables.blocks()} * detail::kBlockFrames - tables.size().raw;
  const std::uint64_t isolated = tables.reports().isolated.load(std::memory_order_relaxed);
  if (totals.isolated != isolated) return {"ZONE-7: isolated counts the isolated frames", tables.base()};
  if (totals.used != withheld + tables.reserved().raw + out + isolated) {
    return {"ZONE-7: frames that left the blocks and did not return are used", tables.base()};
  }
  if (totals.reported != tables.reports().reported_given.load(std::memory_order_relaxed) - reported_taken) {
    return {"ZONE-7: frames that were reported and not taken are still reported", tables.base()};
  }
  if (totals.held != in_hands) return {"ZONE-8: a hand holds frames of its zone", tables.base()};
  return {};
}

}  // namespace fallow
