// Panic: stops a guest that cannot continue.
#pragma once

#include "guest/kernel/machine.h"
#include "guest/x86/interrupts/interrupt_frame.h"

namespace fallow::guest::x86 {

// Writes the event "panic", the registers and the call chain, and halts every CPU. `frame` is that of the
// exception; fallow_panic() enters through a breakpoint. If several CPUs panic, only the first writes.
[[noreturn]] void panic(const InterruptFrame& frame) noexcept;

// Panics because of an error of the machine, before or after the guest exists.
[[noreturn]] void panic_about(const char* what) noexcept;

// Sets the machine to write to, and the function to call after the output and before the halt.
void set_panic_machine(Machine& machine, void (*after)()) noexcept;

// True from the first panic on.
bool panicking() noexcept;

}  // namespace fallow::guest::x86
