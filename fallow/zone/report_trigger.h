// Tells the reporter, from the free path and in O(1), that enough is free and unreported (R3).
#pragma once

#include <atomic>
#include <cstdint>

namespace fallow {

// The reporter grants a credit: how many frames (or blocks, at the reporting orders 9 and 10) may become
// free before the mark can have been crossed. Frees use it up; the one that uses up the last of it fires,
// and then nothing is counted until the reporter grants again.
class ReportTrigger {
 public:
  using Fire = void (*)(void* context) noexcept;

  // A block matters to the reporter once no more than `limit` of its frames are used.
  // Before any traffic, or while credit() is used up.
  void attach(Fire fire, void* context) noexcept {
    fire_ = fire;
    context_ = context;
  }
  void set_limit(unsigned used_limit) noexcept { limit_.store(used_limit, std::memory_order_relaxed); }
  unsigned limit() const noexcept { return limit_.load(std::memory_order_relaxed); }

  // seq_cst: MO-5, the grant is seen by every free that the reporter's next look does not see.
  void grant(std::int64_t credit) noexcept { credit_.store(credit, std::memory_order_seq_cst); }

  void spend(unsigned frames) noexcept {
    // seq_cst: MO-5, pairs with grant().
    if (credit_.load(std::memory_order_seq_cst) <= 0) return;
    const std::int64_t amount = limit() == 0 ? 1 : static_cast<std::int64_t>(frames);
    const std::int64_t before = credit_.fetch_sub(amount, std::memory_order_seq_cst);
    if (before > 0 && before <= amount) fire_(context_);
  }

 private:
  static constexpr unsigned kAnyUse = 511;

  std::atomic<std::int64_t> credit_{0};
  std::atomic<unsigned> limit_{kAnyUse};
  Fire fire_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace fallow
