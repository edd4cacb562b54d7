// The operations of a program's threads on frames and caches.
#include <memory>

#include "tests/explore/world/scenario.h"
#include "tests/explore/world/stage.h"

namespace fallow::explore {
namespace {

PfnCount frames_of(unsigned order) { return frames(Order{static_cast<std::uint8_t>(order)}); }

}  // namespace

Stage::Holding Stage::remove(Actor& actor, unsigned which) {
  const unsigned at = which % actor.count;
  const Holding holding = actor.holdings[at];
  for (unsigned i = at + 1; i < actor.count; ++i) actor.holdings[i - 1] = actor.holdings[i];
  --actor.count;
  return holding;
}

void Stage::free_holding(Actor& actor, unsigned cache, const Holding& holding) {
  const std::uint64_t at = (holding.first - program_.zone.base).raw;
  for (std::uint64_t i = at; i < at + frames_of(holding.order).raw; ++i)
    through_[i] = static_cast<std::uint8_t>(cache + 1);
  world_.free(cache, holding.first, holding.order);
  actor.freed = holding;
  actor.freed_through = cache;
}

void Stage::perform_allocate(Actor& actor, unsigned cache, unsigned order, Mobility mobility) {
  if (!has(actor, cache) || actor.count == kMaxHoldings) return;
  settle_held();
  if (const Got got = world_.allocate(cache, order, mobility); got.ok)
    actor.holdings[actor.count++] = {got.pfn, static_cast<std::uint8_t>(order)};
}

// The rest of the allocation is in pieces from then on.
void Stage::perform_free_part(Actor& actor, unsigned cache, unsigned which, unsigned order) {
  if (!has(actor, cache) || actor.count == 0) return;
  Holding whole = remove(actor, which);
  while (whole.order > order && actor.count < kMaxHoldings) {
    --whole.order;
    actor.holdings[actor.count++] = whole;
    whole.first = whole.first + frames_of(whole.order);
  }
  free_holding(actor, cache, whole);
}

void Stage::perform_give(Actor& actor, unsigned slot, unsigned which) {
  if (actor.count == 0) return;
  Slot& to = slots_[slot % kSlots];
  Fill empty = Fill::Empty;
  // acquire: the slot's content was taken.
  if (!to.fill.compare_exchange_strong(empty, Fill::Filling, std::memory_order_acquire)) return;
  to.holding = remove(actor, which);
  to.fill.store(Fill::Full, std::memory_order_release);
}

void Stage::perform_take(Actor& actor, unsigned slot) {
  if (actor.count == kMaxHoldings) return;
  Slot& from = slots_[slot % kSlots];
  if (from.fill.load(std::memory_order_relaxed) != Fill::Full) wait_a_little();
  Fill full = Fill::Full;
  if (!from.fill.compare_exchange_strong(full, Fill::Emptying, std::memory_order_acquire)) return;
  actor.holdings[actor.count++] = from.holding;
  from.fill.store(Fill::Empty, std::memory_order_release);
}

void Stage::perform_pass_cache(Actor& actor, unsigned cache) {
  if (!has(actor, cache)) return;
  actor.caches &= ~(1U << cache);
  if (actor.freed_through == cache) actor.freed_through = kNobody;
  cache_left_[cache].store(1, std::memory_order_release);
}

void Stage::perform_take_cache(Actor& actor, unsigned cache) {
  if (cache >= kMaxCaches) return;
  if (cache_left_[cache].load(std::memory_order_relaxed) == 0) wait_a_little();
  std::uint32_t left = 1;
  if (cache_left_[cache].compare_exchange_strong(left, 0, std::memory_order_acquire))
    actor.caches |= 1U << cache;
}

void Stage::perform_free_again(Actor& actor) {
  if (actor.freed_through == kNobody || !has(actor, actor.freed_through)) return;
  perform_free_unowned(actor.freed_through, (actor.freed.first - program_.zone.base).raw, actor.freed.order);
}

// A frame that is pending in another cache counts as allocated until that cache has left the frame's word
// (invariants.md).
void Stage::perform_free_unowned(unsigned cache, std::uint64_t frame, unsigned order) {
  const std::uint64_t size = program_.zone.frames.raw, count = frames_of(order).raw;
  const Pfn first = program_.zone.base + PfnCount{frame};
  for (std::uint64_t i = frame; i < frame + count && i < size; ++i) {
    const Pfn pfn = program_.zone.base + PfnCount{i};
    if (world_.oracle().is_allocated(pfn) || world_.oracle().withheld(pfn)) return;
    if (through_[i] != 0 && through_[i] != cache + 1) return;
  }
  world_.misuse(cache, first, order);
}

void perform(const Program& program) {
  const auto shared = std::make_shared<const Program>(program);
  World& w = world(shared->zone);
  Stage& stage = state<Stage>(w, *shared);
  for (const Before& b : shared->before) stage.perform(b.thread, b.operation);
  for (unsigned t = 0; t < shared->threads.size(); ++t) {
    thread([shared, &stage, t] {
      for (const Operation& o : shared->threads[t]) stage.perform(t, o);
      stage.end();
    });
  }
  if (stage.needs_completions()) thread([shared, &stage] { stage.complete_until_all_end(); });
  at_end([&w] { w.settle(); });
}

}  // namespace fallow::explore
