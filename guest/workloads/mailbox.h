// Passes allocations to another CPU, which frees them.
#pragma once

#include <atomic>
#include <cstdint>

#include "guest/workloads/live_table.h"

namespace fallow::guest {

// Lock-free; many senders, one receiver.
class alignas(64) Mailbox {
 public:
  // Returns false if the mailbox is full.
  bool put(Live live) noexcept {
    for (std::atomic<std::uint64_t>& cell : cells_) {
      std::uint64_t empty = 0;
      // release: pairs with the acquire in take(), so that the receiver sees the stamps.
      if (cell.compare_exchange_strong(empty, live.packed(), std::memory_order_release,
                                       std::memory_order_relaxed))
        return true;
    }
    return false;
  }

  // Takes one allocation. Tag 0 means that the mailbox is empty.
  Live take() noexcept {
    for (std::atomic<std::uint64_t>& cell : cells_) {
      if (cell.load(std::memory_order_relaxed) == 0) continue;
      // acquire: pairs with the release in put(), so that the receiver sees the stamps that the sender wrote.
      return Live::of(cell.exchange(0, std::memory_order_acquire));
    }
    return {};
  }

 private:
  static constexpr unsigned kCells = 16;
  std::atomic<std::uint64_t> cells_[kCells] = {};
};

}  // namespace fallow::guest
