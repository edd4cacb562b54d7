// A memory user: allocates blocks on one CPU, writes their stamps, checks the stamps, and frees the blocks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/allocation.h"
#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/kernel/random.h"
#include "guest/workloads/live_table.h"

namespace fallow::guest {

// Used by CPU `cpu` only.
class alignas(64) MemoryUser {
 public:
  // Creates a table for `most` allocations. Returns false if memory is short.
  bool create(const Context& context, EarlyMemory& memory, std::uint32_t cpu, std::size_t most) noexcept;

  Random& random() noexcept { return random_; }
  LiveTable& live() noexcept { return live_; }
  // The number of frames in live().
  PfnCount held() const noexcept { return held_; }

  // Allocates a block into live(). Returns false if no such block is free or the table is full.
  bool allocate(Order order = {}, Mobility mobility = Mobility::Movable) noexcept;
  // Checks the stamps of the i-th allocation.
  void verify(std::size_t i) noexcept;
  // Checks and frees the i-th allocation. The last one moves into its slot.
  void release(std::size_t i) noexcept { give(hand_over(i)); }

  // Frees the last allocation without checking it.
  void drop_last() noexcept;

  // Removes the i-th allocation from live() without freeing it. The last one moves into its slot.
  Live hand_over(std::size_t i) noexcept;
  // Allocates a block without adding it to live(). Returns tag 0 if no such block is free.
  Live take(Order order, Mobility mobility) noexcept;
  // Checks and frees a block that is not in live().
  void give(Live live) noexcept;

 private:
  void free(Live live) noexcept;

  const Context* context_ = nullptr;
  std::uint32_t cpu_ = 0, tag_ = 0;
  PfnCount held_;
  Random random_;
  LiveTable live_;
};

// Limits the work of one step to about a millisecond.
class StepBudget {
 public:
  explicit StepBudget(Machine& machine) noexcept
      : machine_(machine), end_(machine.now() + Nanoseconds{800'000}) {}

  // Spends `n` frames. Returns false when the budget is spent. Reads the clock every 64 frames.
  bool spend(PfnCount n) noexcept {
    spent_ += n.raw;
    if (spent_ < 64) return true;
    spent_ = 0;
    return machine_.now() < end_;
  }

 private:
  Machine& machine_;
  const Nanoseconds end_;
  std::uint64_t spent_ = 0;
};

}  // namespace fallow::guest
