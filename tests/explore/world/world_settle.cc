// Checks that apply once all threads of a scenario have ended.
#include <string>

#include "fallow/zone/zone_check.h"
#include "fallow/zone/zone_stats.h"
#include "tests/explore/world/world.h"

namespace fallow::explore {

void World::settle() {
  if (const std::string wrong = judge_.verdict(engine().weak()); !wrong.empty()) engine().fail(wrong);
  finish_requests();
  for (std::uint32_t i = 0; i < zone_->cache_count(); ++i) zone_->cache(i).drain();
  let_worker_rest();
  check_quiet("when all is reported");
  check_counts();
  free_everything();
  for (std::uint32_t i = 0; i < zone_->cache_count(); ++i) zone_->cache(i).retire();
  let_worker_rest();
  if (registered_) unregister_device();
  check_quiet("when all is free");
  for (std::uint32_t b = 0; b < zone_->tables().blocks(); ++b) {
    if (zone_->tables().entry(b).owner() != 0) engine().fail("a block is owned after all caches retired");
  }
  std::uint64_t withheld = 0;
  for (std::uint64_t i = 0; i < zone_->size().raw; ++i)
    withheld += oracle_.withheld(zone_->base() + PfnCount{i});
  if (zone_stats(*zone_).free.raw != zone_->size().raw - withheld) engine().fail("frames were lost");
  if (zone_->misuse().count != misuses_) engine().fail("misuse was named that did not happen");
}

void World::finish_requests() {
  while (complete(Status::Ok)) {
  }
}

// Nothing is in flight, and no frame is in a cache's hand.
void World::let_worker_rest() {
  constexpr unsigned kRounds = 1000;
  check_flag();
  for (unsigned round = 0;; ++round) {
    device_.run_begins();
    if (!port_.run_worker(reporter_, kNever)) break;
    finish_requests();
    if (round == kRounds) engine().fail("the worker never sleeps");
  }
  check_everything_reported();
}

void World::check_quiet(const char* when) {
  const Violation v = zone_check(*zone_);
  if (!v.none())
    engine().fail(std::string(v.invariant) + ", block at frame " + std::to_string(v.where.raw) + ' ' + when);
}

// Checks R14.
void World::check_counts() {
  const ReportingStats s = reporter_.stats();
  const ZoneStats z = zone_stats(*zone_);
  if (s.requests != device_.taken() || s.failures != device_.failed() || s.in_flight != 0)
    engine().fail("R14: requests and failures are not what the device saw");
  if (z.isolated.raw != 0) engine().fail("R14: frames are isolated and nothing is in flight");
  if (z.reported.raw != oracle_.reported_frames())
    engine().fail("R14: nr_reported is " + std::to_string(z.reported.raw) + ", and " +
                  std::to_string(oracle_.reported_frames()) + " frames were reported and not used since");
  if (z.refaults.raw < oracle_.refaults() ||
      z.refaults.raw > oracle_.refaults() + oracle_.forgotten_refaults())
    engine().fail("R14: refaults are " + std::to_string(z.refaults.raw) + ", and " +
                  std::to_string(oracle_.refaults()) + " reported frames were allocated");
}

// R11, RPT-12: nothing may be isolated.
bool World::starved() const { return free_frames(*zone_) < zone_->low_watermark() + above_low_; }

// An allocation that splits a block adds to lower areas, which the policy notices only at a later free.
// Blocks below the threshold in every area leave at most 2^(10 - o) times as many blocks of order o behind.
bool World::past_the_mark() const {
  detail::UnreportedCounts counts = oracle_.unreported(policy_->order());
  for (unsigned order = 0; split_ && order <= kMaxOrder.raw; ++order) {
    const std::uint64_t of_one = std::uint64_t{1} << (kMaxOrder.raw - order);
    counts.of[order] = (counts.of[order] + of_one - 1) / of_one;
  }
  return policy_->credit(counts) <= 0;
}

void World::check_flag() {
  if (!registered_ || starved()) return;
  if (!reporter_.reporting_requested(0) && past_the_mark())
    engine().fail("R3, R4: the threshold is crossed, and the zone is not flagged");
}

void World::check_everything_reported() {
  if (!registered_ || starved()) return;
  const Order order = policy_->order();
  if (oracle_.has_failed(order)) engine().fail("R7: a failed request was not retried");
  if (past_the_mark())
    engine().fail("R2, R4: the worker sleeps, and there is more to report than the policy leaves");
}

// Frees allocations in pieces as large as possible.
void World::free_everything() {
  const std::uint64_t end = zone_->base().raw + zone_->size().raw;
  for (std::uint64_t at = zone_->base().raw; at < end;) {
    unsigned order = 0;
    if (oracle_.is_allocated(Pfn{at})) {
      order = detail::kBlockOrder.raw;
      while (!oracle_.all_allocated(Pfn{at}, Order{static_cast<std::uint8_t>(order)})) --order;
      free(0, Pfn{at}, order);
    }
    at += std::uint64_t{1} << order;
  }
  zone_->cache(0).drain();
}

}  // namespace fallow::explore
