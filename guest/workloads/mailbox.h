// Allocations on their way from the CPU that made them to another, which frees them.
#pragma once

#include <atomic>
#include <cstdint>

#include "guest/workloads/live_table.h"

namespace fallow::guest {

// Any CPU puts in, one takes out; lock-free.
class alignas(64) Mailbox {
 public:
  // False: it is full.
  bool put(Live live) noexcept {
    for (std::atomic<std::uint64_t>& cell : cells_) {
      std::uint64_t empty = 0;
      // release, pairs with take(): the stamps are written before the receiver checks them.
      if (cell.compare_exchange_strong(empty, live.packed(), std::memory_order_release,
                                       std::memory_order_relaxed))
        return true;
    }
    return false;
  }

  // With tag 0: it is empty.
  Live take() noexcept {
    for (std::atomic<std::uint64_t>& cell : cells_) {
      if (cell.load(std::memory_order_relaxed) == 0) continue;
      // acquire: pairs with put(); the receiver sees the stamps that the sender wrote.
      return Live::of(cell.exchange(0, std::memory_order_acquire));
    }
    return {};
  }

 private:
  static constexpr unsigned kCells = 16;
  std::atomic<std::uint64_t> cells_[kCells] = {};
};

}  // namespace fallow::guest
