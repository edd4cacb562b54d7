#include "guest/x86/panic.h"

#include <atomic>

#include "fallow/base/check.h"
#include "guest/kernel/event.h"
#include "guest/protocol/fixed_string.h"
#include "guest/x86/cpu.h"
#include "guest/x86/cpu_state.h"
#include "guest/x86/interrupts/vectors.h"
#include "guest/x86/processors.h"

namespace fallow::guest::x86 {
namespace {

using Line = FixedString<320>;

constinit std::atomic<bool> spoken{false};
constinit Machine* place = nullptr;
using Ending = void (*)();
constinit Ending at_the_end = nullptr;

constexpr StringRef kNames[] = {"division by zero",    "debug trap",         "non-maskable interrupt",
                                "breakpoint",          "overflow",           "bound exceeded",
                                "invalid opcode",      "no coprocessor",     "double fault",
                                "coprocessor overrun", "invalid task state", "no segment",
                                "stack fault",         "general protection", "page fault",
                                "exception 15",        "floating point",     "misaligned access",
                                "machine check",       "SIMD exception",     "virtualization exception",
                                "control protection"};

std::uint64_t fault_address() {
  std::uint64_t address;
  asm volatile("mov %%cr2, %0" : "=r"(address));
  return address;
}

StringRef name_of(std::uint64_t vector) {
  return vector < sizeof(kNames) / sizeof(kNames[0]) ? kNames[vector] : StringRef("unexpected interrupt");
}

void say_event(const InterruptFrame& frame, const Complaint& complaint) {
  if (complaint.what != nullptr) {
    FixedString<200> where;
    where.put(complaint.file).put(':').number(static_cast<std::uint64_t>(complaint.line));
    Event("panic")
        .text("what", complaint.what)
        .text("where", where.text())
        .hex("rip", complaint.rip)
        .say(*place);
  } else if (frame.vector == VECTOR_PAGE_FAULT || frame.vector == VECTOR_DOUBLE_FAULT) {
    Event("panic")
        .text("what", name_of(frame.vector))
        .hex("rip", frame.rip)
        .hex("address", fault_address())
        .say(*place);
  } else {
    Event("panic")
        .text("what", name_of(frame.vector))
        .hex("rip", frame.rip)
        .number("vector", frame.vector)
        .say(*place);
  }
}

void say_registers(const InterruptFrame& f, const CpuState& cpu) {
  struct Register {
    StringRef name;
    std::uint64_t value;
  };
  const Register registers[] = {{"rip", f.rip}, {"rsp", f.rsp}, {"rflags", f.rflags}, {"error", f.error},
                                {"rax", f.rax}, {"rbx", f.rbx}, {"rcx", f.rcx},       {"rdx", f.rdx},
                                {"rsi", f.rsi}, {"rdi", f.rdi}, {"rbp", f.rbp},       {"r8", f.r8},
                                {"r9", f.r9},   {"r10", f.r10}, {"r11", f.r11},       {"r12", f.r12},
                                {"r13", f.r13}, {"r14", f.r14}, {"r15", f.r15},       {"cpu", cpu.number}};
  Line line;
  unsigned in_line = 0;
  for (const Register& r : registers) {
    line.put("  ").put(r.name).put(' ').hex(r.value);
    if (++in_line % 4 == 0) {
      place->write(line.put('\n').text());
      line = {};
    }
  }
}

// Frame pointers are followed as long as they go up within the CPU's stack.
void say_callers(const InterruptFrame& frame, const CpuState& cpu) {
  constexpr unsigned kMostCallers = 12;
  Line line("  called from");
  std::uint64_t at = frame.rbp;
  for (unsigned i = 0; i < kMostCallers; ++i) {
    if (at % 8 != 0 || at < cpu.stack.begin || at + 16 > cpu.stack.end) break;
    const auto* const pair = reinterpret_cast<const std::uint64_t*>(at);
    line.put(' ').hex(pair[1]);
    if (pair[0] <= at) break;
    at = pair[0];
  }
  place->write(line.put('\n').text());
}

}  // namespace

void set_panic_machine(Machine& machine, void (*after)()) noexcept {
  place = &machine;
  at_the_end = after;
}

// relaxed: a CPU that learns of it a little later does no harm.
bool panicking() noexcept { return spoken.load(std::memory_order_relaxed); }

void panic(const InterruptFrame& frame) noexcept {
  // seq_cst, where relaxed would do: the exchange pairs with that of another CPU which panics, and one of the
  // two finds false. Nothing else comes with it.
  if (spoken.exchange(true, std::memory_order_seq_cst) || place == nullptr) halt_for_good();
  stop_other_cpus();
  const CpuState& cpu = this_cpu();
  say_event(frame, cpu.complaint);
  say_registers(frame, cpu);
  say_callers(frame, cpu);
  at_the_end();
  halt_for_good();
}

namespace {

[[noreturn]] void trap(const Complaint& complaint) {
  this_cpu().complaint = complaint;
  asm volatile("int3" : : : "memory");
  halt_for_good();
}

}  // namespace

void panic_about(const char* what) noexcept {
  trap({what, "machine", 0, reinterpret_cast<std::uint64_t>(__builtin_return_address(0))});
}

}  // namespace fallow::guest::x86

extern "C" void fallow_panic(const char* what, const char* file, int line) noexcept {
  fallow::guest::x86::trap({what, file, line, reinterpret_cast<std::uint64_t>(__builtin_return_address(0))});
}

// The table of a class whose object is not, or no longer, there.
extern "C" void __cxa_pure_virtual() {
  fallow_panic("a pure virtual function was called", __FILE__, __LINE__);
}
