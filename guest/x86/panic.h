// The end of a guest that cannot go on.
#pragma once

#include "guest/kernel/machine.h"
#include "guest/x86/interrupts/interrupt_frame.h"

namespace fallow::guest::x86 {

// Says what and where, the registers and who called whom, and halts every CPU. `frame`: of the exception; a
// breakpoint is how fallow_panic() comes here. Of several CPUs that panic the first speaks.
[[noreturn]] void panic(const InterruptFrame& frame) noexcept;

// For what is wrong with the machine, before or after there is a guest.
[[noreturn]] void panic_about(const char* what) noexcept;

// Where to speak, once there is a place; and what to do when all is said, before halting.
void set_panic_machine(Machine& machine, void (*after)()) noexcept;

// True from the first panic on.
bool panicking() noexcept;

}  // namespace fallow::guest::x86
