// The complete walks: the zone's own walk, and a comparison of every frame with the oracle.
#include <sstream>

#include "fallow/zone/detail/isolation.h"
#include "fallow/zone/detail/runs.h"
#include "fallow/zone/zone_check.h"
#include "fallow/zone/zone_stats.h"
#include "tests/model/machine.h"

namespace fallow::model {
namespace {

// Returns the counts of count_unreported(), computed from all blocks instead of the dirty ones.
detail::UnreportedCounts unreported_of_all_blocks(const Zone& zone) {
  detail::UnreportedCounts counts;
  const auto untouched = [](detail::BlockEntry e) {
    return !e.closed() && e.used() == 0 && e.reported_frames() == 0;
  };
  for (std::uint32_t b = 0; b < zone.tables().blocks(); ++b) {
    const detail::BlockEntry e = zone.tables().entry(b);
    if (e.closed()) continue;
    if (untouched(e)) {
      const bool pair = untouched(zone.tables().entry(b ^ 1));
      counts.of[pair ? 10 : 9] += pair ? b % 2 == 0 : 1;
      continue;
    }
    detail::BlockBits bits;
    for (unsigned w = 0; w < detail::kBlockWords; ++w) {
      bits.word[w] = detail::FrameWord{zone.tables().word(std::uint64_t{b} * detail::kBlockWords + w).load()}
                         .unreported();
    }
    for (unsigned o = 0; o < detail::kBlockOrder.raw; ++o)
      counts.of[o] += detail::count_bits(detail::free_area_runs(bits, o)) >> o;
  }
  return counts;
}

template <class A, class B>
std::string differ(const char* what, const A& a, const B& b) {
  std::ostringstream text;
  text << what << ": " << a << " instead of " << b;
  return text.str();
}

}  // namespace

void Machine::check(bool thorough) {
  check_zone();
  check_stats();
  check_nothing_is_lost();
  if (!thorough || failed()) return;
  drain_all();
  check_zone();
  check_frames();
  check_settles();
}

void Machine::check_zone() {
  const Violation found = zone_check(*zone_);
  if (!found.none()) fail(std::string(found.invariant) + ", at frame " + std::to_string(found.where.raw));
}

void Machine::check_stats() {
  const ZoneStats s = zone_stats(*zone_);
  const std::uint64_t free = oracle_.size().raw - oracle_.allocated().raw;
  if (s.used != oracle_.allocated()) fail(differ("R14: used", s.used.raw, oracle_.allocated().raw));
  if (s.free.raw != free) fail(differ("R14: free", s.free.raw, free));
  if (s.isolated.raw != 0) fail(differ("R14: isolated", s.isolated.raw, 0));
  if (reporter_->stats().requests + reporter_->stats().failures != tally_.reports) fail("R14: requests");
  if (reporter_->stats().reported.raw != tally_.reported_frames) fail("R14: frames reported");
}

// With empty caches, every frame of the zone is in the oracle's state.
void Machine::check_frames() {
  if (zone_stats(*zone_).reported != oracle_.reported()) {
    fail(differ("R14: reported", zone_stats(*zone_).reported.raw, oracle_.reported().raw));
  }
  for (std::uint64_t i = 0; i < oracle_.size().raw && !failed(); ++i) {
    const Pfn pfn = oracle_.base() + PfnCount{i};
    const std::uint64_t index = zone_->tables().index_of(pfn);
    const detail::BlockEntry e =
        zone_->tables().entry(static_cast<std::uint32_t>(index / detail::kBlockFrames));
    const detail::FrameWord word{zone_->tables().word(index / detail::kWordFrames).load()};
    const unsigned bit = static_cast<unsigned>(index % detail::kWordFrames);
    const bool used = (e.closed() && !e.reported()) || ((word.used() >> bit) & 1) != 0;
    const bool reported = e.reported() || ((word.report_bits() >> bit) & 1) != 0;
    if (used != oracle_.is_allocated(pfn))
      fail("frame " + std::to_string(pfn.raw) + (used ? " is lost" : " is free"));
    if (reported != oracle_.is_reported(pfn)) {
      fail("R8: frame " + std::to_string(pfn.raw) + (reported ? " is reported" : " is no longer reported"));
    }
  }
  std::uint64_t sum = 0;
  for (std::uint8_t o = 0; o <= kMaxOrder.raw; ++o) sum += free_area(*zone_, {o}).nr_free << o;
  if (sum != zone_stats(*zone_).free.raw) fail("R14: the free areas hold what is free");
}

// R4: everything that can be reported at the requested order is in a dirty block.
void Machine::check_nothing_is_lost() {
  const detail::UnreportedCounts known = detail::count_unreported(zone_->tables(), last_order_);
  const detail::UnreportedCounts all = unreported_of_all_blocks(*zone_);
  for (unsigned o = last_order_.raw; o <= kMaxOrder.raw; ++o) {
    if (known.of[o] != all.of[o]) fail(differ("R4: unreported blocks known", known.of[o], all.of[o]));
  }
}

// R3, R4: given time and a device that does not fail, the policy leaves nothing above its threshold. This
// holds exactly only for a threshold of 1: an allocation that splits a block adds to free areas, which no
// free has noticed.
void Machine::check_settles() {
  if (!registered()) return;
  fail_next_ = 0;
  meddle_next_.reset();
  port_.run_until(port_.now() + seconds(3600), worker_of(*reporter_));
  check_frames();
  // RPT-12: nothing polls for the remaining frames.
  if (port_.next_deadline() != kNever || reporter_->reporting_requested(0))
    fail("R11: the worker does not come to rest, policy " + std::to_string(*policy_));
  // `linux` requires a whole request above the low watermark, the other policies one block.
  const bool linux_rule = *policy_ >= 6 && *policy_ < 9;
  const PfnCount room{(linux_rule ? std::uint64_t{capacity_} : 1) << last_order_.raw};
  if (free_frames(*zone_) < zone_->low_watermark() + room) return;
  constexpr std::uint64_t kThresholds[] = {32, 1, 32, 4, 1, 2};
  const std::uint64_t threshold = *policy_ < std::size(kThresholds) ? kThresholds[*policy_] : 1;
  const detail::UnreportedCounts all = unreported_of_all_blocks(*zone_);
  std::uint64_t left = 0, most = 0;
  for (unsigned o = last_order_.raw; o <= kMaxOrder.raw; ++o) {
    left += all.of[o] << o;
    most += (threshold - 1) << (o + 1);
  }
  if (left > most) {
    fail(differ("R3: unreported frames left behind by a policy at rest", left, most) + " at most, policy " +
         std::to_string(*policy_));
  }
}

void Machine::finish() {
  check(true);
  while (!failed() && oracle_.allocated().raw > 0) {
    perform_free(static_cast<std::uint32_t>(oracle_.allocated().raw % caches()), oracle_.allocated_frame(0),
                 {});
  }
  for (std::uint32_t i = 0; i < caches(); ++i) zone_->cache(i).retire();
  for (std::uint32_t b = 0; b < zone_->tables().blocks(); ++b) {
    if (zone_->tables().entry(b).owner() != 0)
      fail("block " + std::to_string(b) + " is owned, and all caches have retired");
  }
  if (!failed()) check(true);
}

}  // namespace fallow::model
