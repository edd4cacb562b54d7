#include "fallow/host/backing.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace fallow {
namespace {

// The kernel asks for a retry while it cannot lock a page. The limit keeps a page that is pinned for good
// from blocking the worker.
constexpr int kAttempts = 16;

bool is_worth_repeating(int error) { return error == EINTR || error == EAGAIN; }

}  // namespace

Status Backing::discard(Pfn first, PfnCount n) noexcept {
  if (n.raw == 0 || !contains(first, n)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return Status::OutsideZone;
  }
  if (!whole_pages(first, n)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return Status::Misaligned;
  }
  int error = release(bytes(first - first_), bytes(n));
  for (int i = 1; i < kAttempts && is_worth_repeating(error); ++i) {
    retries_.fetch_add(1, std::memory_order_relaxed);
    if (error == EAGAIN) std::this_thread::yield();
    error = release(bytes(first - first_), bytes(n));
  }
  if (error != 0) {
    set_error(error);
    failures_.fetch_add(1, std::memory_order_relaxed);
    return Status::Failed;
  }
  calls_.fetch_add(1, std::memory_order_relaxed);
  frames_.fetch_add(n.raw, std::memory_order_relaxed);
  return Status::Ok;
}

void Backing::discard_all(std::span<const ScatterEntry> runs, Status* answers) noexcept {
  const bool together = releases_together();
  for (std::size_t i = 0; i < runs.size();) {
    const std::size_t n = together ? discard_first(runs.subspan(i)) : 0;
    std::fill_n(answers + i, n, Status::Ok);
    i += n;
    if (n != 0) continue;
    answers[i] = discard(runs[i].first, runs[i].count);
    ++i;
  }
}

// Returns how many runs one call released. If a run is invalid or cannot be released, discard() finds the
// cause.
std::size_t Backing::discard_first(std::span<const ScatterEntry> runs) noexcept {
  std::size_t good = 0;
  for (const ScatterEntry& run : runs.first(std::min(runs.size(), kTogether))) {
    if (run.count.raw == 0 || !contains(run.first, run.count) || !whole_pages(run.first, run.count)) break;
    ++good;
  }
  if (good < 2) return 0;
  const std::size_t released = release_first(runs.first(good));
  if (released == 0) return 0;
  calls_.fetch_add(1, std::memory_order_relaxed);
  PfnCount sum;
  for (const ScatterEntry& run : runs.first(released)) sum += run.count;
  frames_.fetch_add(sum.raw, std::memory_order_relaxed);
  return released;
}

Status Backing::populate(Pfn first, PfnCount n) noexcept {
  if (n.raw == 0 || !contains(first, n)) return Status::OutsideZone;
  return madvise(memory_ + bytes(first - first_).raw, bytes(n).raw, MADV_WILLNEED) == 0 ? Status::Ok
                                                                                        : Status::Failed;
}

DiscardCounts Backing::counts() const noexcept {
  return {.calls = calls_.load(std::memory_order_relaxed),
          .frames = {frames_.load(std::memory_order_relaxed)},
          .retries = retries_.load(std::memory_order_relaxed),
          .failures = failures_.load(std::memory_order_relaxed),
          .refused = refused_.load(std::memory_order_relaxed)};
}

}  // namespace fallow
