#include "fallow/zone/detail/run_search.h"

#include <bit>
#include <initializer_list>

#include "fallow/zone/detail/runs.h"

namespace fallow::detail {
namespace {

// The number of blocks that are searched before a wholly free block is broken up for a run.
constexpr unsigned kTries = 16;
constexpr unsigned kEveryBlock = ~0U;

}  // namespace

Allocation RunSearch::from_hand(Order order, unsigned m) noexcept {
  if (order.raw > kWordOrder) return {};
  const std::uint32_t heads = run_heads(load(hand_[m]).bits(), order.raw);
  if (heads == 0) return {};
  return hand_out(m, load(hand_[m]), word_bits(static_cast<unsigned>(std::countr_zero(heads)), order));
}

Allocation RunSearch::allocate_run(Order order, Mobility mobility) noexcept {
  const unsigned m = static_cast<unsigned>(mobility);
  if (reuse_ == m && order.raw <= kWordOrder) {
    if (const Allocation got = reuse_pending(order); got.ok()) return got;
  }
  if (order.raw > 0 && order.raw <= kWordOrder && load(hand_[m]).bits() == 0) refill(mobility);
  if (const Allocation got = from_hand(order, m); got.ok()) return got;
  const std::uint32_t last = run_word_[m] == kNoWord ? kNoBlock : run_word_[m] / kBlockWords;
  for (const std::uint32_t block : {last, owned_[m]}) {
    if (block == kNoBlock) continue;
    // A block that became wholly free, or went to another mobility, has to be chosen again.
    const BlockEntry e = tables_.entry(block);
    if (e.wholly_free() || e.mobility() != mobility) continue;
    if (const Allocation got = run_in_block(order, block, mobility); got.ok()) return got;
  }
  unsigned tries = kTries;
  const unsigned room = kBlockFrames - static_cast<unsigned>(frames(order).raw);
  for (unsigned bin = room * kBins / kBlockFrames + 1; bin-- > 0;) {
    const Allocation got = run_in_listed(order, bin_list(mobility, bin), mobility, tries);
    if (got.ok()) return got;
  }
  unsigned every = kEveryBlock;
  for (const unsigned list_id : {kFreeList, kReportedList}) {
    const Allocation got = run_in_listed(order, list_id, mobility, every);
    if (got.ok()) return got;
  }
  // Any block, whatever its mobility and owner.
  for (std::uint32_t i = 0; i < tables_.blocks(); ++i) {
    if (const Allocation got = run_in_block(order, any_block_, mobility); got.ok()) return got;
    any_block_ = any_block_ + 1 < tables_.blocks() ? any_block_ + 1 : 0;
  }
  return {};
}

// Each block that is searched costs one of `tries`.
Allocation RunSearch::run_in_listed(Order order, unsigned list_id, Mobility mobility,
                                    unsigned& tries) noexcept {
  const BlockIndex& list = tables_.listed(list_id);
  for (std::uint32_t b = list.find_before(kNoBlock); b != kNoBlock && tries > 0;
       b = list.find_before(b), --tries) {
    if (const Allocation got = run_in_block(order, b, mobility); got.ok()) return got;
    unlist_if_stale(b, list_id);
  }
  return {};
}

Allocation RunSearch::run_in_block(Order order, std::uint32_t block, Mobility mobility) noexcept {
  BlockEntry e = tables_.entry(block);
  // Waits for a block that another thread is splitting: it may hold the last free frames.
  if (e.splitting() || e.reported()) {
    if (split(block, true)) gave_back_ = true;  // other threads found it closed
    e = tables_.entry(block);
  }
  if (e.closed() || e.used() + frames(order).raw > kBlockFrames) return {};
  const std::uint64_t first = std::uint64_t{block} * kBlockWords;
  const unsigned m = static_cast<unsigned>(mobility);
  // The run lies within a word, or consists of words that are wholly free.
  const unsigned words = order.raw > kWordOrder ? 1U << (order.raw - kWordOrder) : 1;
  const auto heads_at = [&](unsigned w) {
    std::uint32_t free = free_in(first + w);
    for (unsigned i = 1; i < words && free == kWholeWord; ++i) free = free_in(first + w + i);
    return words > 1 ? std::uint32_t{free == kWholeWord} : run_heads(free, order.raw);
  };
  // Begins with the word of the last run: the words before it most likely have no room.
  const unsigned last = run_word_[m] / kBlockWords == block ? run_word_[m] % kBlockWords : 0;
  for (unsigned i = 0; i < kBlockWords; i += words) {
    const unsigned w = (last / words * words + i) % kBlockWords;
    const std::uint32_t heads = heads_at(w);
    if (heads == 0) continue;
    if (const Allocation got =
            take_run(order, first + w, static_cast<unsigned>(std::countr_zero(heads)), mobility);
        got.ok()) {
      run_word_[m] = static_cast<std::uint32_t>(first + w);
      return got;
    }
  }
  return {};
}

// acquire: MO-7, an allocation that finds frames isolated here sees that `isolated` is not 0.
std::uint32_t RunSearch::free_in(std::uint64_t w) const noexcept {
  return FrameWord{tables_.word(w).load(std::memory_order_acquire)}.free();
}

// Takes `bits`, unless one of the bits of `unless` is set in the word: a used frame, or a reported frame that
// must not be taken.
inline bool RunSearch::take_bits(std::uint64_t w, std::uint32_t bits, FrameWord unless,
                                 std::uint32_t* reported) noexcept {
  std::atomic<std::uint64_t>& slot = tables_.word(w);
  std::uint64_t raw = slot.load(std::memory_order_relaxed);
  do {
    if ((raw & unless.raw) != 0) return false;
    // acq_rel: MO-1; and MO-7, releases the announcement of the attempt.
  } while (!slot.compare_exchange_weak(raw, FrameWord{raw}.take(bits).raw, std::memory_order_acq_rel,
                                       std::memory_order_relaxed));
  *reported = FrameWord{raw}.report_bits() & bits;
  return true;
}

// Takes the run that starts at `bit` of word `first`, or nothing.
Allocation RunSearch::take_run(Order order, std::uint64_t first, unsigned bit, Mobility mobility) noexcept {
  const unsigned n = static_cast<unsigned>(frames(order).raw);
  const std::uint32_t block = static_cast<std::uint32_t>(first / kBlockWords);
  const unsigned words = n > kWordFrames ? n / kWordFrames : 1;
  const std::uint32_t bits = n >= kWordFrames ? kWholeWord : word_bits(bit, order);
  unsigned expected = 0;
  for (unsigned i = 0; i < words; ++i) {
    // relaxed: a guess that take_bits() checks.
    const FrameWord word{tables_.word(first + i).load(std::memory_order_relaxed)};
    expected += count_none_or_all(word.report_bits() & word.free() & bits);
  }
  const ReportedInUse in_use(*this, expected != 0);
  if (in_use.forgetting() || !tables_.reserve_in_block(block, n, expected, mobility)) return {};
  const FrameWord unless = FrameWord::of(bits, in_use.usable() ? 0 : bits);
  std::uint32_t reported[kBlockWords];
  for (unsigned i = 0; i < words; ++i) {
    if (take_bits(first + i, bits, unless, &reported[i])) continue;
    gave_back_ = true;
    while (i-- > 0) tables_.give_bits(first + i, bits, reported[i]);
    tables_.settle_taken(block, n, -static_cast<int>(expected));
    return {};
  }
  unsigned taken = 0;
  for (unsigned i = 0; i < words; ++i) taken += count_none_or_all(reported[i]);
  tables_.settle_taken(block, 0, static_cast<int>(taken) - static_cast<int>(expected));
  bump(taken_, n);
  bump(reported_taken_, taken);
  bump(refaults_, taken);
  return {tables_.pfn_of(first * kWordFrames + bit), Status::Ok, taken == n && tables_.content_known()};
}

}  // namespace fallow::detail
