// The per-CPU state, addressed by the GS base.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

// The long-mode task state segment, which only holds stack pointers.
struct [[gnu::packed]] TaskState {
  std::uint32_t reserved = 0;
  std::uint64_t stack_of_ring[3] = {};
  std::uint64_t reserved_too = 0;
  std::uint64_t interrupt_stack[7] = {};
  std::uint64_t reserved_three = 0;
  std::uint16_t reserved_four = 0, port_map = sizeof(TaskState);
};
static_assert(sizeof(TaskState) == 104);

// The arguments of fallow_panic(), for the handler of its breakpoint.
struct PanicCause {
  const char* what = nullptr;
  const char* file = nullptr;
  int line = 0;
  std::uint64_t rip = 0;
};

struct CpuState {
  static constexpr std::size_t kDescriptors = 6;

  CpuState* self = nullptr;  // at gs:0
  std::uint32_t number = 0;
  std::uint32_t apic_id = 0;
  // A wakeup has come since the last wait().
  std::atomic<bool> wake_pending{false};

  MemoryRange stack, nmi_stack, fault_stack;
  std::uint64_t descriptors[kDescriptors] = {};
  TaskState task;
  PanicCause panic_cause;
};

inline CpuState& this_cpu() {
  CpuState* cpu;
  asm volatile("mov %%gs:0, %0" : "=r"(cpu));
  return *cpu;
}

// Loads the segments, interrupt stacks and GS base of `cpu` on this CPU. From then on this_cpu() returns
// `cpu`.
void load_segments(CpuState& cpu) noexcept;

}  // namespace fallow::guest::x86
