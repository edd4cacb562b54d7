// The local APIC of this CPU, in xAPIC mode: its timer, and interprocessor interrupts (Intel SDM 3A, 11).
#pragma once

#include <cstdint>

namespace fallow::guest::x86 {

// Enables the local APIC with the timer stopped. Called once on each CPU. The 8259 interrupts go to CPU 0.
void start_local_apic(bool first_cpu) noexcept;
std::uint32_t local_apic_id() noexcept;
void end_of_interrupt() noexcept;

// Raises VECTOR_TIMER once after `ticks` ticks of this CPU's timer. 0 stops the timer.
void arm_local_timer(std::uint32_t ticks) noexcept;
std::uint32_t local_timer_left() noexcept;

// Sends an interrupt to the CPU with that APIC ID.
void send_interrupt(std::uint32_t apic_id, std::uint8_t vector) noexcept;
void send_init(std::uint32_t apic_id) noexcept;
// Starts the CPU at `page` * 4096, in real mode.
void send_startup(std::uint32_t apic_id, std::uint8_t page) noexcept;
// Sends a non-maskable interrupt.
void send_nmi(std::uint32_t apic_id) noexcept;

}  // namespace fallow::guest::x86
