// The state that a local cache shows to other threads: its counters, and the announcements of MO-2 and MO-7.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/zone/detail/zone_tables.h"

namespace fallow::detail {

// The lowest of the parts that make up a LocalCache: WholeBlocks, Hands, FreePath, Refill and RunSearch
// follow, each on top of the one before. A part uses those below it only.
class CacheState {
 public:
  CacheState(const CacheState&) = delete;
  CacheState& operator=(const CacheState&) = delete;

  // Whether this cache is taking reported frames or putting them back. Any thread. seq_cst: MO-2.
  bool uses_reported() const noexcept { return uses_reported_.load(std::memory_order_seq_cst); }
  // Odd while this cache attempts an allocation and may hold frames that it will give back. Any thread.
  // acquire: MO-7.
  std::uint32_t attempts() const noexcept { return attempts_.load(std::memory_order_acquire); }
  // Whether this cache has freed frames in a word and not yet in the entry. A thread that takes such frames
  // takes room that the entry grants to others. Any thread. acquire: MO-7.
  bool is_giving_back() const noexcept { return giving_back_.load(std::memory_order_acquire); }

 protected:
  CacheState(ZoneTables& tables, std::uint32_t number) : tables_(tables), id_(number + 1) {}

  // While an object of this class lives, forget_reported() waits. So everything that its owner does with
  // reported frames happens wholly before or wholly after it (MO-2). It never waits itself, and its owner
  // must not wait while it lives.
  class ReportedInUse {
   public:
    // Costs nothing unless reported frames are `expected`.
    ReportedInUse(CacheState& cache, bool expected) noexcept : cache_(cache), entered_(expected) {
      if (!entered_) return;
      // seq_cst: MO-2, before forget_epoch() is read.
      cache_.uses_reported_.store(true, std::memory_order_seq_cst);
      epoch_ = cache_.tables_.forget_epoch();
    }
    // release: MO-2, forget_reported() sees what the owner did with reported frames.
    ~ReportedInUse() {
      if (entered_) cache_.uses_reported_.store(false, std::memory_order_release);
    }
    ReportedInUse(const ReportedInUse&) = delete;
    ReportedInUse& operator=(const ReportedInUse&) = delete;

    // Whether reported frames may be taken and put back: not while forget_reported() runs.
    bool usable() const noexcept { return entered_ && epoch_ % 2 == 0; }
    bool forgetting() const noexcept { return epoch_ % 2 != 0; }
    // The forget_epoch() of the reported frames that are taken now.
    std::uint32_t epoch() const noexcept { return epoch_; }

   private:
    CacheState& cache_;
    const bool entered_;
    std::uint32_t epoch_ = 0;
  };

  static void bump(std::atomic<std::uint64_t>& c, std::uint64_t n) {
    c.store(c.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  // relaxed: MO-7, the change of the word releases it.
  void begin_giving_back() noexcept { giving_back_.store(true, std::memory_order_relaxed); }
  // Call after the entry has changed. release: MO-7, an allocation that sees the count sees the frames.
  void count_returned(std::uint64_t n) noexcept {
    returned_.store(returned_.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
  // release: MO-7, after the entry and returned_.
  void end_giving_back() noexcept { giving_back_.store(false, std::memory_order_release); }
  // Removes a block from a list that it does not belong to. A block that other threads could not find
  // meanwhile counts as given back.
  void unlist_if_stale(std::uint32_t block, unsigned list_id) noexcept {
    if (tables_.unlist_if_stale(block, list_id)) gave_back_ = true;
  }

  ZoneTables& tables_;
  const std::uint32_t id_;  // the owner in the entries of this cache's blocks
  bool gave_back_ = false;  // the current attempt gave back frames that others may have missed (MO-7)
  std::atomic<bool> uses_reported_{false};
  std::atomic<bool> giving_back_{false};
  std::atomic<std::uint32_t> attempts_{0};

  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> returned_{0};
  std::atomic<std::uint64_t> reported_taken_{0};
  std::atomic<std::uint64_t> refaults_{0};
};

}  // namespace fallow::detail
