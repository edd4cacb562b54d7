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

// The interrupt only has to end the halt.
void woken() { end_of_interrupt(); }
void spurious() {}

}  // namespace

void BareMachine::start_waking() noexcept {
  set_interrupt_handler(VECTOR_TIMER, woken);
  set_interrupt_handler(VECTOR_WAKE, woken);
  set_interrupt_handler(VECTOR_SPURIOUS, spurious);
  // Spurious interrupts of the two 8259s.
  set_interrupt_handler(VECTOR_PIC + 7, spurious);
  set_interrupt_handler(VECTOR_PIC + 15, spurious);
}

Nanoseconds BareMachine::now() noexcept { return clock.now(); }
void BareMachine::relax() noexcept { pause(); }
std::uint32_t BareMachine::cpu() noexcept { return this_cpu().number; }
void BareMachine::wake(std::uint32_t number) noexcept { processors.wake(number); }
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
  // Interrupts are off from the load of `wake_pending` until the halt, so the interrupt of a CPU that wakes
  // this one in between ends the halt. The load needs no ordering: the exchange below is the acquire side of
  // MO-22.
  for (interrupts_off(); !state.wake_pending.load(std::memory_order_seq_cst); interrupts_off()) {
    const Nanoseconds begin = now();
    if (begin >= deadline) break;
    arm_local_timer(clock.timer_ticks(begin, deadline));
    interrupts_on_and_halt();
  }
  arm_local_timer(0);
  // acquire would suffice, MO-22. An exchange rather than a store: if another CPU woke this one since the
  // last load, the caller sees what that CPU did before.
  state.wake_pending.exchange(false, std::memory_order_seq_cst);
  interrupts_on();
}

}  // namespace fallow::guest::x86
