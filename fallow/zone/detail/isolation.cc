#include "fallow/zone/detail/isolation.h"

namespace fallow::detail {
namespace {

constexpr BlockBits all_bits() {
  BlockBits bits;
  for (std::uint32_t& word : bits.word) word = kWholeWord;
  return bits;
}
constexpr BlockBits kWholeBlock = all_bits();

constexpr bool in_areas(unsigned areas, unsigned order) { return ((areas >> order) & 1) != 0; }

// Returns the unreported free frames of a block that is not closed. Its entry is less exact: it also counts
// as used those frames that are reserved, or freed in the word and not yet in the entry (ZONE-2).
BlockBits unreported_bits(const ZoneTables& tables, std::uint32_t block) {
  BlockBits bits;
  for (unsigned w = 0; w < kBlockWords; ++w) {
    const std::uint64_t raw =
        tables.word(std::uint64_t{block} * kBlockWords + w).load(std::memory_order_relaxed);
    bits.word[w] = FrameWord{raw}.unreported();
  }
  return bits;
}

}  // namespace

// The request under construction.
struct Isolation::Request {
  std::span<ScatterEntry> list;
  std::uint64_t most;  // frames that still fit
  bool join;
  unsigned piece;  // the most frames of a word that form one entry
  std::uint32_t used = 0;

  bool joins(Pfn first) const {
    return join && used > 0 && list[used - 1].first + list[used - 1].count == first;
  }
  bool fits(Pfn first, std::uint64_t count) const {
    return count <= most && (joins(first) || used < list.size());
  }
  void add(Pfn first, std::uint64_t count) {
    if (joins(first)) {
      list[used - 1].count += PfnCount{count};
    } else {
      // Assigned member by member: a temporary would be copied before its parts are in the cache.
      ScatterEntry& entry = list[used++];
      entry.first = first;
      entry.count = PfnCount{count};
      entry.end = false;
    }
    most -= count;
  }

  // Calls f(first bit, length) for each piece that becomes an entry, unless it joins the previous entry.
  template <class F>
  void for_each_piece(std::uint32_t bits, F f) const {
    for_each_run(bits, [&](unsigned first, unsigned length) {
      for (; length > piece; first += piece, length -= piece) {
        if (!f(first, piece)) return false;
      }
      return f(first, length);
    });
  }

  // Returns the leading runs in `bits`, frames from `base` on, that still fit.
  std::uint32_t fitting(Pfn base, std::uint32_t bits) const {
    std::uint32_t taken = 0;
    std::uint64_t room = list.size() - used, left = most;
    for_each_piece(bits, [&](unsigned first, unsigned length) {
      const std::uint64_t slots = joins(base + PfnCount{first}) ? 0 : 1;
      if (length > left || slots > room) return false;
      left -= length;
      room -= slots;
      taken |= ones(first, length);
      return true;
    });
    return taken;
  }
};

std::uint32_t Isolation::fill(std::span<ScatterEntry> list, PfnCount most) noexcept {
  const unsigned piece = want_.join || unit_ >= kWordOrder ? kWordFrames : 1U << unit_;
  Request request{list, most.raw, want_.join, piece};
  if (most < frames(want_.order)) return 0;
  while (next_ != kNoBlock) {
    const std::uint32_t block = next_ == ahead_ ? ahead_ : tables_.dirty().find(next_);
    next_ = block;
    if (block == kNoBlock) break;
    // If blocks lie far apart, each read of an entry is a cache miss: it is started one visit early.
    ahead_ = tables_.dirty().find(block + 1);
    if (ahead_ != kNoBlock) tables_.prefetch(ahead_);
    const Visit visited = visit(block, request);
    if (visited == Visit::Done) {
      next_ = ahead_;
      continue;
    }
    keep(block);
    if (visited == Visit::Full) break;
    // The half of a pair that was not visited may lie behind the walk, or not be dirty (ZONE-6).
    for (std::uint32_t i = 0; i < begun_.count; ++i) keep(begun_.first + i);
    next_ = begun_.first;
  }
  return request.used;
}

void Isolation::keep(std::uint32_t block) noexcept {
  tables_.dirty().insert(block);
  left_ = true;
}

BlockEntry Isolation::look(std::uint32_t block) noexcept {
  const BlockEntry e = tables_.entry(block);
  const unsigned now = tables_.clock().tick();
  if (want_.min_age == 0 || e.matured(want_.min_age, now).raw() == e.raw()) return e;
  const auto mature = [=, this](BlockEntry old) { return old.matured(want_.min_age, now); };
  return mature(tables_.update(block, mature));
}

// MO-4: the walk removes the block from the dirty blocks first and reads it afterwards; a free changes the
// block first and inserts it afterwards. So each free is either seen here or causes another visit.
Isolation::Visit Isolation::visit(std::uint32_t block, Request& request) noexcept {
  tables_.dirty().remove(block);
  const BlockEntry e = look(block);
  if (e.closed()) return Visit::Done;
  if (want_.mobility != Selection::kAnyMobility && want_.mobility != static_cast<unsigned>(e.mobility())) {
    keep(block);
    return Visit::Done;
  }
  // With `areas` set, a block is taken only as the free area in which it is listed, unless it did not fit.
  const bool in_parts = want_.order < kBlockOrder && request.most < kBlockFrames &&
                        (want_.areas == Selection::kAnyArea || begun(block));
  if (e.wholly_unreported() && !in_parts) return visit_whole(block, e, request);
  // A block that is wholly free and partly reported has no run of order 9 that may be reported (R5, R8).
  return want_.order >= kBlockOrder ? Visit::Done : visit_words(block, e, request);
}

bool Isolation::old_enough(BlockEntry e, unsigned first_group, unsigned groups) const noexcept {
  const unsigned now = tables_.clock().tick();
  for (unsigned g = first_group; g < first_group + groups; ++g) {
    if (e.age(g, now) < want_.min_age) return false;
  }
  return true;
}

Isolation::Visit Isolation::visit_whole(std::uint32_t block, BlockEntry e, Request& request) noexcept {
  const BlockEntry buddy = look(block ^ 1);
  const bool pair = buddy.wholly_unreported();
  if (want_.order == kMaxOrder && !pair)
    return Visit::Done;  // visited again when the buddy is freed: as a pair
  // With `areas` set, a pair is one block of order 10 unless it did not fit. Otherwise each half may be taken
  // separately.
  const bool as_listed = want_.areas != Selection::kAnyArea && !begun(block);
  const std::uint32_t blocks = pair && (want_.order == kMaxOrder || as_listed) ? 2 : 1;
  const bool wanted = (!as_listed || in_areas(want_.areas, pair ? kMaxOrder.raw : kBlockOrder.raw)) &&
                      old_enough(e, 0, kAgeGroups) && (blocks == 1 || old_enough(buddy, 0, kAgeGroups));
  if (!wanted) {
    keep(block);
    return Visit::Done;
  }
  const std::uint32_t first = blocks == 2 ? block & ~1U : block;
  const Pfn pfn = tables_.pfn_of(std::uint64_t{first} * kBlockFrames);
  const std::uint64_t frames = std::uint64_t{blocks} * kBlockFrames;
  if (!request.fits(pfn, frames)) {
    if (request.used != 0 || !as_listed) return Visit::Full;
    begun_ = {first, blocks, kWholeBlock};
    return Visit::Divided;
  }
  if (!isolate_blocks(first, blocks)) {
    keep(block);
    return Visit::Done;
  }
  if (blocks == 2) tables_.dirty().remove(block ^ 1);
  request.add(pfn, frames);
  return Visit::Done;
}

// Isolates all of the blocks, or none.
bool Isolation::isolate_blocks(std::uint32_t first, std::uint32_t count) noexcept {
  for (std::uint32_t i = 0; i < count; ++i) {
    // R11: counted before the block is out of reach, so that an allocation that finds nothing waits.
    // relaxed: MO-7, the change of the entry releases it.
    tables_.reports().isolated.fetch_add(kBlockFrames, std::memory_order_relaxed);
    bool isolated = false;
    tables_.update(
        first + i,
        [](BlockEntry e) {
          return e.wholly_unreported() ? e.with_used(kBlockFrames).with_isolated(true).with_owner(0) : e;
        },
        &isolated);
    if (isolated) continue;
    tables_.reports().isolated.fetch_sub(kBlockFrames,
                                         std::memory_order_relaxed);  // the block was never out of reach
    if (i == 0) return false;
    const ScatterEntry undo{tables_.pfn_of(std::uint64_t{first} * kBlockFrames),
                            {std::uint64_t{i} * kBlockFrames}};
    put_back(tables_, {&undo, 1}, false);
    return false;
  }
  return true;
}

// Returns the unreported free frames of a block that are in a wanted area, or in a block that was begun, and
// that are old enough, in whole runs.
BlockBits Isolation::wanted_bits(std::uint32_t block, const BlockBits& unreported,
                                 BlockEntry e) const noexcept {
  BlockBits wanted = unreported;
  if (want_.areas != Selection::kAnyArea) {
    wanted = {};
    for (unsigned order = want_.order.raw; order < kBlockOrder.raw; ++order) {
      if (!in_areas(want_.areas, order)) continue;
      const BlockBits area = free_area_runs(unreported, order);
      for (unsigned w = 0; w < kBlockWords; ++w) wanted.word[w] |= area.word[w];
    }
    for (unsigned w = 0; begun(block) && w < kBlockWords; ++w)
      wanted.word[w] |= unreported.word[w] & begun_.rest.word[w];
  }
  for (unsigned w = 0; w < kBlockWords; ++w) {
    if (!old_enough(e, w * kAgeGroups / kBlockWords, 1)) wanted.word[w] = 0;
  }
  return aligned_runs(wanted, want_.order.raw);
}

Isolation::Visit Isolation::visit_words(std::uint32_t block, BlockEntry e, Request& request) noexcept {
  const BlockBits unreported = unreported_bits(tables_, block);
  if (is_empty(unreported)) return Visit::Done;
  const BlockBits wanted = wanted_bits(block, unreported, e);
  if (count_bits(wanted) != count_bits(aligned_runs(unreported, want_.order.raw))) keep(block);
  // The rest of a divided block is no longer a block of the wanted area.
  const bool parts = begun(block) && unit_ != want_.order.raw;
  Visit visit = parts ? Visit::Full : take_units(block, wanted, request);
  const bool divide = visit == Visit::Full && (parts || request.used == 0);
  if (divide) visit = take_parts(block, wanted, 0, kBlockOrder.raw, request);
  // A request that joins runs may end inside a free block; a request of single blocks only if it divides one.
  if (visit == Visit::Full && want_.areas != Selection::kAnyArea && (want_.join || divide) && !begun(block))
    begun_ = {block, 1, wanted};
  return visit;
}

Isolation::Visit Isolation::take_units(std::uint32_t block, const BlockBits& wanted,
                                       Request& request) noexcept {
  const unsigned step = unit_ > kWordOrder ? 1U << (unit_ - kWordOrder) : 1;
  for (unsigned w = 0; w < kBlockWords; w += step) {
    if (wanted.word[w] == 0) continue;
    const std::uint64_t word = std::uint64_t{block} * kBlockWords + w;
    const Visit visit =
        step == 1 ? isolate_in_word(word, wanted.word[w], request) : isolate_words(word, step, request);
    if (visit == Visit::Full) return visit;
  }
  return Visit::Done;
}

// Takes the wanted ones of the 2^order frames from `first` on, in the largest aligned blocks that fit.
Isolation::Visit Isolation::take_parts(std::uint32_t block, const BlockBits& wanted, unsigned first,
                                       unsigned order, Request& request) noexcept {
  const std::uint64_t word = std::uint64_t{block} * kBlockWords + first / kWordFrames;
  const unsigned count = 1U << order, words = order > kWordOrder ? count / kWordFrames : 1;
  const std::uint32_t mask = order < kWordOrder ? ones(first % kWordFrames, count) : kWholeWord;
  std::uint32_t any = 0, all = mask;
  for (unsigned w = first / kWordFrames; w < first / kWordFrames + words; ++w) {
    any |= wanted.word[w] & mask;
    all &= wanted.word[w];
  }
  if (any == 0) return Visit::Done;
  const Pfn pfn = tables_.pfn_of(std::uint64_t{block} * kBlockFrames + first);
  if (all == mask && request.fits(pfn, count)) {
    if (words > 1) return isolate_words(word, words, request);
    if (isolate_bits(word, mask)) {
      request.add(pfn, count);
    } else {
      keep(block);
    }
    return Visit::Done;
  }
  if (order == want_.order.raw) return Visit::Full;
  const Visit low = take_parts(block, wanted, first, order - 1, request);
  return low != Visit::Done ? low : take_parts(block, wanted, first + count / 2, order - 1, request);
}

Isolation::Visit Isolation::isolate_in_word(std::uint64_t word, std::uint32_t bits,
                                            Request& request) noexcept {
  const Pfn base = tables_.pfn_of(word * kWordFrames);
  const std::uint32_t fits = request.fitting(base, bits);
  if (fits != 0 && isolate_bits(word, fits)) {
    request.for_each_piece(fits, [&](unsigned first, unsigned length) {
      request.add(base + PfnCount{first}, length);
      return true;
    });
  } else if (fits != 0) {
    keep(static_cast<std::uint32_t>(word / kBlockWords));
  }
  return fits == bits ? Visit::Done : Visit::Full;
}

// Isolates a run of several words as a whole or not at all; a part would be shorter than its order (R5).
Isolation::Visit Isolation::isolate_words(std::uint64_t first, unsigned count, Request& request) noexcept {
  const Pfn pfn = tables_.pfn_of(first * kWordFrames);
  const std::uint64_t frames = std::uint64_t{count} * kWordFrames;
  if (!request.fits(pfn, frames)) return Visit::Full;
  for (unsigned i = 0; i < count; ++i) {
    if (isolate_bits(first + i, kWholeWord)) continue;
    if (i > 0) {
      const ScatterEntry undo{pfn, {std::uint64_t{i} * kWordFrames}};
      put_back(tables_, {&undo, 1}, false);
    }
    keep(static_cast<std::uint32_t>(first / kBlockWords));
    return Visit::Done;
  }
  request.add(pfn, frames);
  return Visit::Done;
}

// Isolates all of `bits`, or none.
bool Isolation::isolate_bits(std::uint64_t word, std::uint32_t bits) noexcept {
  const std::uint32_t block = static_cast<std::uint32_t>(word / kBlockWords);
  const unsigned n = count_ones(bits);
  tables_.reports().isolated.fetch_add(n, std::memory_order_relaxed);  // R11: as in isolate_blocks()
  if (tables_.reserve_in_block(block, n, 0, tables_.entry(block).mobility())) {
    std::atomic<std::uint64_t>& slot = tables_.word(word);
    std::uint64_t raw = slot.load(std::memory_order_relaxed);
    while ((FrameWord{raw}.unreported() & bits) == bits) {
      // acq_rel: MO-1; the device's use of the frames comes after their last owner's.
      if (slot.compare_exchange_weak(raw, FrameWord{raw}.isolate(bits).raw, std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
        return true;
      }
    }
    tables_.settle_taken(block, n, 0);
    // release: MO-7, an allocation may have found these frames reserved and nothing isolated any more.
    tables_.reports().put_back_epoch.fetch_add(1, std::memory_order_release);
  }
  tables_.reports().isolated.fetch_sub(n, std::memory_order_release);  // MO-7, after put_back_epoch
  return false;
}

UnreportedCounts count_unreported(const ZoneTables& tables, Order order) noexcept {
  UnreportedCounts counts;
  for (std::uint32_t b = tables.dirty().find(0); b != kNoBlock; b = tables.dirty().find(b + 1)) {
    const BlockEntry e = tables.entry(b);
    if (e.closed()) continue;
    if (e.wholly_unreported()) {
      const bool pair = tables.entry(b ^ 1).wholly_unreported();
      if (!pair) {
        counts.of[kBlockOrder.raw] += order <= kBlockOrder ? 1 : 0;
      } else if (b % 2 == 0 || !tables.dirty().contains(b - 1)) {
        counts.of[kMaxOrder.raw] += 1;
      }
      continue;
    }
    if (order >= kBlockOrder) continue;
    const BlockBits bits = unreported_bits(tables, b);
    if (is_empty(bits)) continue;
    for (unsigned o = order.raw; o < kBlockOrder.raw; ++o)
      counts.of[o] += count_bits(free_area_runs(bits, o)) >> o;
  }
  return counts;
}

}  // namespace fallow::detail
