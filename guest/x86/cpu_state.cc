#include "guest/x86/cpu_state.h"

#include "guest/x86/cpu.h"
#include "guest/x86/interrupts/selectors.h"

extern "C" const std::uint64_t first_gdt[4];

namespace fallow::guest::x86 {
namespace {

constexpr std::uint32_t kGsBase = 0xc0000101;
constexpr std::uint64_t kAvailableTask = 0x89;
constexpr unsigned kNmiStack = 0, kFaultStack = 1;  // zero-based; a gate counts stacks from 1

struct [[gnu::packed]] TablePointer {
  std::uint16_t limit;
  std::uint64_t base;
};

}  // namespace

void load_segments(CpuState& cpu) noexcept {
  cpu.self = &cpu;
  cpu.task.interrupt_stack[kNmiStack] = cpu.nmi_stack.end;
  cpu.task.interrupt_stack[kFaultStack] = cpu.fault_stack.end;
  for (unsigned i = 0; i < 4; ++i) cpu.descriptors[i] = first_gdt[i];
  const auto task = reinterpret_cast<std::uint64_t>(&cpu.task);
  cpu.descriptors[SELECTOR_TASK / 8] =
      (sizeof(TaskState) - 1) | (task & 0xffffff) << 16 | kAvailableTask << 40 | (task >> 24 & 0xff) << 56;
  cpu.descriptors[SELECTOR_TASK / 8 + 1] = task >> 32;

  const TablePointer table{sizeof(cpu.descriptors) - 1, reinterpret_cast<std::uint64_t>(cpu.descriptors)};
  asm volatile("lgdt %0" : : "m"(table));
  asm volatile("ltr %w0" : : "r"(SELECTOR_TASK));
  write_msr(kGsBase, reinterpret_cast<std::uint64_t>(&cpu));
}

}  // namespace fallow::guest::x86
