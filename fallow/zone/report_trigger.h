// Tells the reporter, from the free path and in O(1), that enough is free and unreported (R3).
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/block_entry.h"

namespace fallow {

// The reporter grants a credit: how many blocks of the reporting order may become free before the mark can
// have been crossed. Frees use it up; the one that uses up the last of it fires, and then nothing is counted
// until the reporter grants again.
class ReportTrigger {
 public:
  using Fire = void (*)(void* context) noexcept;

  // Before any traffic, or while credit() is used up.
  void attach(Fire fire, void* context) noexcept {
    fire_ = fire;
    context_ = context;
  }

  // The reporting order; while credit() is used up. 9 to begin with: nobody asks for less, and frees need not
  // tell which blocks they leave partly free.
  void set_order(Order order) noexcept { order_.store(order.raw, std::memory_order_relaxed); }
  Order order() const noexcept { return {order_.load(std::memory_order_relaxed)}; }
  // A block of 512 frames matters to the reporter once no more than this many of its frames are used.
  unsigned limit() const noexcept { return order() >= kBlockOrder ? 0 : kBlockFrames - 1; }

  // seq_cst: MO-5, the grant is seen by every free that the reporter's next look does not see.
  void grant(std::int64_t credit) noexcept { credit_.store(credit, std::memory_order_seq_cst); }

  // seq_cst: MO-5, pairs with grant(). If not, a free need not be counted.
  bool armed() const noexcept { return credit_.load(std::memory_order_seq_cst) > 0; }

  // `blocks` of the reporting order, or larger ones, became free.
  void spend(unsigned blocks) noexcept {
    if (blocks == 0) return;
    const std::int64_t amount = blocks, before = credit_.fetch_sub(amount, std::memory_order_seq_cst);
    if (before > 0 && before <= amount) fire_(context_);
  }

 private:
  std::atomic<std::int64_t> credit_{0};
  std::atomic<std::uint8_t> order_{kBlockOrder.raw};
  Fire fire_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace fallow
