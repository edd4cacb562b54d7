// Allocations that the hand cannot serve, and the decision to answer NoMemory.
#include "fallow/base/check.h"
#include "fallow/zone/detail/runs.h"
#include "fallow/zone/local_cache.h"

namespace fallow {
namespace {

// Returns the frames of a block that are free, or become free when their report completes.
detail::BlockBits free_or_isolated(const detail::ZoneTables& tables, std::uint32_t block) {
  detail::BlockBits bits;
  for (unsigned w = 0; w < detail::kBlockWords; ++w) {
    const detail::FrameWord word{
        tables.word(std::uint64_t{block} * detail::kBlockWords + w).load(std::memory_order_relaxed)};
    bits.word[w] = ~word.allocated();
  }
  return bits;
}

// Whether the block may hold a run of `order` (at most 9) once none of its frames is isolated.
bool may_hold(const detail::ZoneTables& tables, std::uint32_t block, Order order) {
  const detail::BlockEntry e = tables.entry(block);
  if (e.isolated() || e.splitting() || e.wholly_free()) return true;
  if (e.closed()) return false;
  const detail::BlockBits bits = free_or_isolated(tables, block);
  return !detail::is_empty(
      detail::aligned_runs(bits, order < detail::kBlockOrder ? order.raw : detail::kBlockOrder.raw));
}

}  // namespace

inline Allocation LocalCache::try_allocate(Order order, Mobility mobility) noexcept {
  const unsigned m = static_cast<unsigned>(mobility);
  if (order >= detail::kBlockOrder) return allocate_whole(order, mobility);
  if (order.raw > 0) return allocate_run(order, mobility);
  // No block is left to own: takes single frames of other caches' blocks without a hand (ZONE-8).
  if (!refill(mobility)) return allocate_run(order, mobility);
  return hand_out_one(m, load(hand_[m]));
}

// MO-7: frames that an attempt takes and gives back are missing for other threads meanwhile. The attempt
// announces itself before it takes anything, and counts what it gave back before it announces its end.
[[gnu::always_inline]] inline Allocation LocalCache::attempt(Order order, Mobility mobility) noexcept {
  const std::uint32_t attempts = attempts_.load(std::memory_order_relaxed);
  FALLOW_REQUIRE(
      attempts % 2 == 0,
      "LocalCache::allocate(): the cache is in use by another thread, or by the code that this call "
      "interrupts; give each thread or CPU a cache of its own");
  // relaxed: MO-7, each change by which the attempt takes frames releases this.
  attempts_.store(attempts + 1, std::memory_order_relaxed);
  const Allocation got = try_allocate(order, mobility);
  if (gave_back_) [[unlikely]] {
    gave_back_ = false;
    // release: MO-7, an allocation that sees the count sees what came back.
    tables_.reports().put_back_epoch.fetch_add(1, std::memory_order_release);
  }
  // release: MO-7, after the count.
  attempts_.store(attempts + 2, std::memory_order_release);
  return got;
}

Allocation LocalCache::allocate_slow(Order order, Mobility mobility) noexcept {
  if (order > kMaxOrder || static_cast<unsigned>(mobility) >= kMobilities)
    return {{}, Status::InvalidArgument};
  settle_last();
  serve_drain_request();
  const Allocation got = attempt(order, mobility);
  return got.ok() ? got : allocate_or_wait(order, mobility);
}

// Continues after a failed first attempt. The first attempt does not read the shared state that is read here,
// because the reporter changes it all the time.
[[gnu::noinline]] Allocation LocalCache::allocate_or_wait(Order order, Mobility mobility) noexcept {
  for (;;) {
    const Seen before = look_at_others();
    drain();
    const Allocation got = attempt(order, mobility);
    if (got.ok()) return got;
    if (await_others(order, before)) continue;
    tables_.request_drain();
    drains_seen_ = tables_.drain_requests();
    return got;
  }
}

// Returns what came back so far from other threads. O(caches).
LocalCache::Seen LocalCache::look_at_others() const noexcept {
  Seen seen;
  // acquire: MO-7, read before an attempt, so that frames that come back during the attempt are noticed.
  seen.came_back = tables_.reports().put_back_epoch.load(std::memory_order_acquire);
  seen.forget_epoch = tables_.forget_epoch();
  for (std::uint32_t i = 0; i < tables_.cache_count(); ++i) {
    const LocalCache& other = tables_.cache(i);
    // acquire: MO-7, as above.
    if (&other != this) seen.came_back += other.returned_.load(std::memory_order_acquire);
  }
  return seen;
}

// Called after an attempt failed; `before` was read before it. True if another attempt is worthwhile, because
// frames came back or may have been missed. MO-7 prescribes the order of the reads.
bool LocalCache::await_others(Order order, const Seen& before) noexcept {
  // Reported frames are not taken while forget_reported() runs. Until it ends, another search finds no more
  // of them than the last.
  if (before.forget_epoch % 2 != 0) {
    while (tables_.forget_epoch() == before.forget_epoch) tables_.port().relax();
    return true;
  }
  for (std::uint32_t i = 0; i < tables_.cache_count(); ++i) {
    const LocalCache& other = tables_.cache(i);
    const std::uint32_t attempts = other.attempts();
    if (attempts % 2 == 0 && !other.is_giving_back()) continue;
    do tables_.port().relax();
    while (attempts % 2 != 0 && other.attempts() == attempts);
    return true;
  }
  // acquire: MO-7, isolated before put_back_epoch.
  const auto isolated = [&] { return tables_.reports().isolated.load(std::memory_order_acquire) != 0; };
  const auto unchanged = [&] {
    const Seen now = look_at_others();
    return now.came_back == before.came_back && now.forget_epoch == before.forget_epoch;
  };
  // The reporter must not wait inside report(): it would wait for itself.
  const bool reports = tables_.reports().reporter.load(std::memory_order_relaxed) == tables_.port().current();
  if (isolated() && !reports && may_come_back(order)) {
    while (isolated() && unchanged()) tables_.port().relax();
    return true;
  }
  if (unchanged()) return false;
  tables_.port().relax();
  return true;
}

// Whether a block of `order` consists of free and isolated frames. O(blocks); called only if frames are
// isolated.
bool LocalCache::may_come_back(Order order) const noexcept {
  for (std::uint32_t b = 0; b < tables_.blocks(); ++b) {
    if (order == kMaxOrder) {
      if (b % 2 == 0 && may_hold(tables_, b, detail::kBlockOrder) &&
          may_hold(tables_, b + 1, detail::kBlockOrder))
        return true;
    } else if (may_hold(tables_, b, order)) {
      return true;
    }
  }
  return false;
}

}  // namespace fallow
