// The interrupt table and its handlers.
#pragma once

#include <cstdint>

#include "guest/x86/interrupts/interrupt_frame.h"

namespace fallow::guest::x86 {

// Runs with interrupts off, on the interrupted stack. Must not call code of the core.
using InterruptHandler = void (*)();

// Sets the handler of a vector from VECTOR_FIRST_INTERRUPT on, before the interrupt can come. A vector
// without a handler panics, like every exception.
void set_interrupt_handler(unsigned vector, InterruptHandler handler) noexcept;

// Loads the interrupt table on this CPU: once before the segments are loaded, when exceptions use the current
// stack, and once after.
void load_interrupt_table() noexcept;
// Switches NMI and double fault to the separate stacks that load_segments() set up.
void use_interrupt_stacks() noexcept;

}  // namespace fallow::guest::x86
