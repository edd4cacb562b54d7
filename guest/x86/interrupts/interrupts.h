// Who handles which interrupt.
#pragma once

#include <cstdint>

#include "guest/x86/interrupts/interrupt_frame.h"

namespace fallow::guest::x86 {

// Runs with interrupts off, on the CPU's own stack. No core code may run in it.
using InterruptHandler = void (*)();

// For a vector from VECTOR_FIRST_INTERRUPT on; before the interrupt can come. A vector without one panics, as
// every exception does.
void set_interrupt_handler(unsigned vector, InterruptHandler handler) noexcept;

// Lets this CPU find the handlers. Once before the segments are loaded (exceptions then use the stack they
// are on), and once after.
void load_interrupt_table() noexcept;
// NMI and double fault get the stacks of their own that load_segments() gave the CPU.
void use_interrupt_stacks() noexcept;

}  // namespace fallow::guest::x86
