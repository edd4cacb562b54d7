// One CPU as a user of memory: it allocates, writes its stamps, checks them, and frees.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/mobility.h"
#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/kernel/random.h"
#include "guest/workloads/live_table.h"

namespace fallow::guest {

// Used by CPU `cpu` alone.
class alignas(64) MemoryUser {
 public:
  // With room for `most` allocations. False: not enough memory.
  bool create(const Context& context, EarlyMemory& memory, std::uint32_t cpu, std::size_t most) noexcept;

  Random& random() noexcept { return random_; }
  LiveTable& live() noexcept { return live_; }
  // Frames in live().
  PfnCount held() const noexcept { return held_; }

  // False: there is no such block, or no room to remember it.
  bool allocate(Order order = {}, Mobility mobility = Mobility::Movable) noexcept;
  // Checks the i-th allocation.
  void verify(std::size_t i) noexcept;
  // Checks the i-th allocation and frees it; the last one takes its place.
  void release(std::size_t i) noexcept { give(hand_over(i)); }

  // Frees the last allocation without another look at it.
  void drop_last() noexcept;

  // The i-th allocation is somebody else's from now on; the last one takes its place.
  Live hand_over(std::size_t i) noexcept;
  // Allocates what live() is not told of. An allocation without frames (tag 0): there is no such block.
  Live take(Order order, Mobility mobility) noexcept;
  // Checks and frees what is not in live().
  void give(Live live) noexcept;

 private:
  void free(Live live) noexcept;

  const Context* context_ = nullptr;
  std::uint32_t cpu_ = 0, tag_ = 0;
  PfnCount held_;
  Random random_;
  LiveTable live_;
};

// How much one step may do: about a millisecond.
class StepBudget {
 public:
  explicit StepBudget(Machine& machine) noexcept
      : machine_(machine), end_(machine.now() + Nanoseconds{800'000}) {}

  // Spends `n` frames. False: enough for now. Looks at the clock every 64 frames.
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
