// All CPUs: starts them and wakes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/x86/clock.h"
#include "guest/x86/cpu_state.h"
#include "guest/x86/discovery/topology.h"

namespace fallow::guest::x86 {

class Processors {
 public:
  static constexpr std::size_t kMost = Topology::kMostProcessors;
  static constexpr std::uint64_t kStackArea = 96 * 1024;  // per CPU, including the guard page

  // Makes this CPU CPU 0, on its current stack.
  void start_first() noexcept;
  // Assigns the first of the areas at `stacks` to CPU 0. The caller then switches to this_cpu().stack.
  void give_stacks(std::uint64_t stacks) noexcept;

  // Starts all other CPUs of `topology`. `stacks` has a first area for CPU 0 and one for each further CPU;
  // `trampoline` is an unused page below 1 MiB. CPUs that do not start within a second are left out. Returns
  // the number of running CPUs, this one included. The started CPUs wait for release().
  std::uint32_t start_others(const Topology& topology, const Clock& clock, std::uint64_t trampoline,
                             std::uint64_t stacks) noexcept;
  // Lets the other CPUs run `work`. Called once.
  void release(void (*work)(std::uint32_t cpu)) noexcept;

  // Ends the current wait() of a CPU, or else its next one. Any CPU may call.
  void wake(std::uint32_t cpu) noexcept;
  std::uint32_t count() const noexcept { return count_; }
  // The number of CPUs that did not start.
  std::uint32_t missing() const noexcept { return missing_; }

 private:
  std::uint32_t count_ = 1, missing_ = 0;
};

// Sends an NMI to every other running CPU. Each of them then halts, because a panic is in progress.
void stop_other_cpus() noexcept;

// The lowest page of a stack area. This guard page is unmapped, so that a stack overflow ends in a double
// fault.
constexpr std::uint64_t guard_of(std::uint64_t stacks, std::size_t slot) {
  return stacks + slot * Processors::kStackArea;
}

}  // namespace fallow::guest::x86
