// Tells the reporter, from the free path and in O(1), that enough is free and unreported (R3).
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/detail/block_entry.h"

namespace fallow::detail {

// The reporter grants a credit: how many blocks of the reporting order may become free before the mark can
// have been crossed. Frees use it up; the one that uses up the last of it fires, and then nothing is counted
// until the reporter grants again.
//
// While a zone is short of free frames (R11) every free counts, whatever becomes free: the credit is then a
// number of frees, each of at most kMostFrames frames.
class ReportTrigger {
 public:
  // The most frames that count as one free: what becomes free in one step is in one block.
  static constexpr unsigned kMostFrames = kBlockFrames;

  using Fire = void (*)(void* context) noexcept;

  // Before any traffic, or while credit() is used up.
  void attach(Fire fire, void* context) noexcept {
    fire_ = fire;
    context_ = context;
  }

  // The reporting order. 9 to begin with: nobody asks for less, and frees need not tell which blocks they
  // leave partly free. A free that still goes by another order may count more than it should, and fire early.
  void set_order(Order order) noexcept {
    every_free_.store(false, std::memory_order_relaxed);
    order_.store(order.raw, std::memory_order_seq_cst);  // MO-25, as below
  }
  // Makes every free count, until set_order(). To be called before the credit is granted.
  void count_every_free() noexcept {
    // relaxed: read by a free that has read the grant after it.
    every_free_.store(true, std::memory_order_relaxed);
    // seq_cst: MO-25, a free that does not see this is seen by the reporter's next look.
    order_.store(0, std::memory_order_seq_cst);
  }
  bool counts_every_free() const noexcept { return every_free_.load(std::memory_order_relaxed); }
  // seq_cst: MO-25, pairs with count_every_free(), after the block's entry has changed.
  Order order() const noexcept { return {order_.load(std::memory_order_seq_cst)}; }
  // A block of 512 frames matters to the reporter once no more than this many of its frames are used.
  unsigned limit() const noexcept { return order() >= kBlockOrder ? 0 : kBlockFrames - 1; }

  // seq_cst: MO-5, the grant is seen by every free that the reporter's next look does not see.
  void grant(std::int64_t credit) noexcept { credit_.store(credit, std::memory_order_seq_cst); }

  // seq_cst: MO-5, pairs with grant(). If not, a free need not be counted.
  bool armed() const noexcept { return credit_.load(std::memory_order_seq_cst) > 0; }

  // `blocks` of the reporting order, or larger ones, became free.
  void spend(unsigned blocks) noexcept {
    if (blocks == 0) {
      // Frames that come back reported make no such block, and yet raise the number of free frames.
      if (!counts_every_free()) return;
      blocks = 1;
    }
    // seq_cst: MO-5, pairs with grant(). By its acquire a free that fires sees the flag at rest, which
    // Reporter::try_rest() stores before the grant.
    const std::int64_t amount = blocks, before = credit_.fetch_sub(amount, std::memory_order_seq_cst);
    if (before > 0 && before <= amount) fire_(context_);
  }

 private:
  std::atomic<std::int64_t> credit_{0};
  std::atomic<std::uint8_t> order_{kBlockOrder.raw};
  std::atomic<bool> every_free_{false};
  Fire fire_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace fallow::detail
