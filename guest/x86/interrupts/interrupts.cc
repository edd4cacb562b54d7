#include "guest/x86/interrupts/interrupts.h"

#include "guest/x86/interrupts/selectors.h"
#include "guest/x86/interrupts/vectors.h"
#include "guest/x86/panic.h"

extern "C" const unsigned char interrupt_stubs[VECTOR_COUNT * 16];

namespace fallow::guest::x86 {
namespace {

struct Gate {
  std::uint64_t low = 0, high = 0;
};
struct [[gnu::packed]] TablePointer {
  std::uint16_t limit;
  std::uint64_t base;
};

constinit Gate gates[VECTOR_COUNT] = {};
constinit InterruptHandler handlers[VECTOR_COUNT] = {};

// `stack` is an interrupt stack, or 0 for the current stack.
void set_gate(unsigned vector, std::uint64_t stack) {
  constexpr std::uint64_t kInterruptGate = 0x8e;
  const auto at = reinterpret_cast<std::uint64_t>(&interrupt_stubs[vector * 16]);
  gates[vector].high = at >> 32;
  gates[vector].low =
      (at & 0xffff) | SELECTOR_CODE << 16 | stack << 32 | kInterruptGate << 40 | (at >> 16 & 0xffff) << 48;
}

}  // namespace

extern "C" void handle_interrupt(InterruptFrame* frame) noexcept {
  const InterruptHandler handler = frame->vector < VECTOR_COUNT ? handlers[frame->vector] : nullptr;
  if (handler == nullptr) panic(*frame);
  handler();
}

void set_interrupt_handler(unsigned vector, InterruptHandler handler) noexcept { handlers[vector] = handler; }

void load_interrupt_table() noexcept {
  if (gates[0].low == 0) {
    for (unsigned vector = 0; vector < VECTOR_COUNT; ++vector) set_gate(vector, 0);
  }
  const TablePointer table{sizeof(gates) - 1, reinterpret_cast<std::uint64_t>(gates)};
  asm volatile("lidt %0" : : "m"(table));
}

void use_interrupt_stacks() noexcept {
  set_gate(VECTOR_NMI, 1);
  set_gate(VECTOR_DOUBLE_FAULT, 2);
}

}  // namespace fallow::guest::x86
