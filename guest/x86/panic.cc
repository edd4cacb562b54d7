#include "guest/x86/panic.h"

#include <atomic>

#include "fallow/base/check.h"
#include "guest/kernel/event.h"
#include "guest/protocol/event_names.h"
#include "guest/protocol/text.h"
#include "guest/x86/cpu.h"
#include "guest/x86/cpu_state.h"
#include "guest/x86/interrupts/vectors.h"
#include "guest/x86/processors.h"

namespace fallow::guest::x86 {
namespace {

using Line = FixedString<320>;

constinit std::atomic<bool> panicked{false};
constinit Machine* machine = nullptr;
using AfterPanic = void (*)();
constinit AfterPanic after_panic = nullptr;

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

void write_event(const InterruptFrame& frame, const PanicCause& cause) {
  if (cause.what != nullptr) {
    FixedString<200> where;
    where.put(cause.file).put(':').number(static_cast<std::uint64_t>(cause.line));
    Event(event_name::kPanic)
        .text("what", cause.what)
        .text("where", where.text())
        .hex("rip", cause.rip)
        .write_to(*machine);
  } else if (frame.vector == VECTOR_PAGE_FAULT || frame.vector == VECTOR_DOUBLE_FAULT) {
    Event(event_name::kPanic)
        .text("what", name_of(frame.vector))
        .hex("rip", frame.rip)
        .hex("address", fault_address())
        .write_to(*machine);
  } else {
    Event(event_name::kPanic)
        .text("what", name_of(frame.vector))
        .hex("rip", frame.rip)
        .number("vector", frame.vector)
        .write_to(*machine);
  }
}

void write_registers(const InterruptFrame& f, const CpuState& cpu) {
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
      machine->write(line.put('\n').text());
      line = {};
    }
  }
}

// Follows frame pointers as long as they ascend within the CPU's stack.
void write_callers(const InterruptFrame& frame, const CpuState& cpu) {
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
  machine->write(line.put('\n').text());
}

}  // namespace

void set_panic_machine(Machine& panic_machine, void (*after)()) noexcept {
  machine = &panic_machine;
  after_panic = after;
}

// relaxed: a CPU that sees the value late does no harm.
bool panicking() noexcept { return panicked.load(std::memory_order_relaxed); }

void panic(const InterruptFrame& frame) noexcept {
  // seq_cst, where relaxed would suffice: pairs with the exchange of another panicking CPU, and exactly one
  // of the two finds false. No other data is published.
  if (panicked.exchange(true, std::memory_order_seq_cst) || machine == nullptr) halt_for_good();
  stop_other_cpus();
  const CpuState& cpu = this_cpu();
  write_event(frame, cpu.panic_cause);
  write_registers(frame, cpu);
  write_callers(frame, cpu);
  after_panic();
  halt_for_good();
}

namespace {

[[noreturn]] void trap(const PanicCause& cause) {
  this_cpu().panic_cause = cause;
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

// Called through the vtable of an object under construction or destruction.
extern "C" void __cxa_pure_virtual() {
  fallow_panic("a pure virtual function was called", __FILE__, __LINE__);
}
