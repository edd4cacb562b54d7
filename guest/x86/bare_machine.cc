#include "guest/x86/bare_machine.h"

#include "guest/x86/cpu.h"
#include "guest/x86/cpu_state.h"
#include "guest/x86/interrupts/interrupts.h"
#include "guest/x86/interrupts/local_apic.h"
#include "guest/x86/interrupts/vectors.h"
#include "guest/x86/panic.h"

namespace fallow::guest::x86 {
namespace {

constexpr Nanoseconds kBetweenPolls = milliseconds(1);

// That the CPU does not sleep any more is all there is to it.
void woken() { end_of_interrupt(); }
void spurious() {}

}  // namespace

void BareMachine::start_waking() noexcept {
  set_interrupt_handler(VECTOR_TIMER, woken);
  set_interrupt_handler(VECTOR_WAKE, woken);
  set_interrupt_handler(VECTOR_SPURIOUS, spurious);
  // Of an 8259 that took its interrupt back.
  set_interrupt_handler(VECTOR_PIC + 7, spurious);
  set_interrupt_handler(VECTOR_PIC + 15, spurious);
}

Nanoseconds BareMachine::now() noexcept { return clock.now(); }
void BareMachine::relax() noexcept { pause(); }
std::uint32_t BareMachine::cpu() noexcept { return this_cpu().number; }
void BareMachine::wake(std::uint32_t number) noexcept { processors.stir(number); }
void BareMachine::serve_device() noexcept { device.serve(); }
std::byte* BareMachine::at(GuestPhys address) noexcept { return reinterpret_cast<std::byte*>(address.raw); }

void BareMachine::write(StringRef text) noexcept {
  if (panicking()) {
    serial.write_at_last(text);
  } else {
    serial.write(text);
  }
}

void BareMachine::wait(Nanoseconds deadline) noexcept {
  CpuState& state = this_cpu();
  if (device.polled() && state.number == 0) {
    const Nanoseconds poll = now() + kBetweenPolls;
    if (poll < deadline) deadline = poll;
  }
  // Interrupts are off from the look at `stirred` until the halt: the interrupt of a CPU that stirs in
  // between ends the halt. Any order would do for the look, as the exchange below is the end of MO-22 that
  // acquires.
  for (interrupts_off(); !state.stirred.load(std::memory_order_seq_cst); interrupts_off()) {
    const Nanoseconds begin = now();
    if (begin >= deadline) break;
    arm_local_timer(clock.timer_ticks(begin, deadline));
    interrupts_on_and_halt();
  }
  arm_local_timer(0);
  // acquire would do, MO-22. An exchange, not a store: if another CPU stirred since the last look, the caller
  // sees what that CPU did before.
  state.stirred.exchange(false, std::memory_order_seq_cst);
  interrupts_on();
}

}  // namespace fallow::guest::x86
