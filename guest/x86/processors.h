// All CPUs: how they come up, and how they are found.
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
  static constexpr std::uint64_t kStackArea = 96 * 1024;  // per CPU, guard included

  // CPU 0, which runs this: it becomes this_cpu(), on the stack it is on.
  void start_first() noexcept;
  // The stacks in the first of the areas that start at `stacks`. Its caller then changes over to
  // this_cpu().stack.
  void give_stacks(std::uint64_t stacks) noexcept;

  // Starts those CPUs of `topology` that are not this one; `stacks` has an area for each after the first, and
  // `trampoline` is a whole page below 1 MiB that nobody uses. Those that are not up within a second are left
  // out. Returns how many run, this one included; they wait.
  std::uint32_t start_others(const Topology& topology, const Clock& clock, std::uint64_t trampoline,
                             std::uint64_t stacks) noexcept;
  // Lets them go on to `work`, once.
  void release(void (*work)(std::uint32_t cpu)) noexcept;

  // Ends wait() of a CPU, or the next one. Any CPU.
  void stir(std::uint32_t cpu) noexcept;
  std::uint32_t count() const noexcept { return count_; }
  // How many did not come up.
  std::uint32_t missing() const noexcept { return missing_; }

 private:
  std::uint32_t count_ = 1, missing_ = 0;
};

// By an interrupt that cannot be masked, every CPU that is up but this one; they halt, because there is a
// panic.
void stop_other_cpus() noexcept;

// The lowest page of an area of stacks: a guard, left unmapped so that what overflows ends in a double fault.
constexpr std::uint64_t guard_of(std::uint64_t stacks, std::size_t slot) {
  return stacks + slot * Processors::kStackArea;
}

}  // namespace fallow::guest::x86
