// Tells the reporter that enough frames are free and unreported (R3): O(1), called from the free path.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/detail/block_entry.h"

namespace fallow::detail {

// The reporter grants a credit: the number of blocks of the reporting order that may become free before the
// threshold can be reached. Frees spend the credit. The free that exhausts it fires; after that no free is
// counted until the reporter grants again.
//
// While a zone is short of free frames (R11) every free counts, whatever its size. The credit is then a
// number of frees, each of at most kMostFrames frames.
class ReportTrigger {
 public:
  // The most frames that one free can make free: all of them are in one block.
  static constexpr unsigned kMostFrames = kBlockFrames;

  using Fire = void (*)(void* context) noexcept;

  // Call before the first free, or while no credit is granted.
  void attach(Fire fire, void* context) noexcept {
    fire_ = fire;
    context_ = context;
  }

  bool attached() const noexcept { return fire_ != nullptr; }

  // Sets the reporting order, initially 9: as long as no policy wants less, frees skip blocks that stay
  // partly used. A free that still reads the old order may spend too much and fire early.
  void set_order(Order order) noexcept {
    every_free_.store(false, std::memory_order_relaxed);
    order_.store(order.raw, std::memory_order_seq_cst);  // MO-25, as below
  }
  // Makes every free count until set_order(). Call before the credit is granted.
  void count_every_free() noexcept {
    // relaxed: read by a free that has read the grant after it.
    every_free_.store(true, std::memory_order_relaxed);
    // seq_cst: MO-25, the reporter's next look sees every free that does not see this store.
    order_.store(0, std::memory_order_seq_cst);
  }
  bool counts_every_free() const noexcept { return every_free_.load(std::memory_order_relaxed); }
  // seq_cst: MO-25, pairs with count_every_free(), after the block's entry has changed.
  Order order() const noexcept { return {order_.load(std::memory_order_seq_cst)}; }
  // A block matters to the reporter if at most this many of its frames are used.
  unsigned limit() const noexcept { return order() >= kBlockOrder ? 0 : kBlockFrames - 1; }

  // seq_cst: MO-5, every free that the reporter's next look does not see sees the grant.
  void grant(std::int64_t credit) noexcept { credit_.store(credit, std::memory_order_seq_cst); }

  // Whether frees have to be counted. seq_cst: MO-5, pairs with grant().
  bool armed() const noexcept { return credit_.load(std::memory_order_seq_cst) > 0; }

  // Counts `blocks` blocks of the reporting order, or larger, that became free.
  void spend(unsigned blocks) noexcept {
    if (blocks == 0) {
      // Frames that come back reported form no such block, but raise the number of free frames.
      if (!counts_every_free()) return;
      blocks = 1;
    }
    // seq_cst: MO-5, pairs with grant(). Its acquire lets a free that fires see the flag at rest, which
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
