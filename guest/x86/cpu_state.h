// What each CPU has for itself, found by its GS base.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

// The task state of long mode: nothing but stacks.
struct [[gnu::packed]] TaskState {
  std::uint32_t reserved = 0;
  std::uint64_t stack_of_ring[3] = {};
  std::uint64_t reserved_too = 0;
  std::uint64_t interrupt_stack[7] = {};
  std::uint64_t reserved_three = 0;
  std::uint16_t reserved_four = 0, port_map = sizeof(TaskState);
};
static_assert(sizeof(TaskState) == 104);

// What fallow_panic() was told, for the handler that it traps into.
struct Complaint {
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
  // Something happened since the last wait().
  std::atomic<bool> stirred{false};

  MemoryRange stack, nmi_stack, fault_stack;
  std::uint64_t descriptors[kDescriptors] = {};
  TaskState task;
  Complaint complaint;
};

inline CpuState& this_cpu() {
  CpuState* cpu;
  asm volatile("mov %%gs:0, %0" : "=r"(cpu));
  return *cpu;
}

// Gives this CPU the segments, the interrupt stacks and the GS base that `cpu` says; from now on it is
// this_cpu().
void load_segments(CpuState& cpu) noexcept;

}  // namespace fallow::guest::x86
