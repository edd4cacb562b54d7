// This CPU's interrupt controller, in xAPIC mode: its timer, and interrupts from CPU to CPU (Intel SDM 3A,
// 11).
#pragma once

#include <cstdint>

namespace fallow::guest::x86 {

// On each CPU, once: takes interrupts, the timer stopped; the 8259's come to CPU 0.
void start_local_apic(bool first_cpu) noexcept;
std::uint32_t local_apic_id() noexcept;
void end_of_interrupt() noexcept;

// One VECTOR_TIMER after `ticks` of this CPU's timer; 0 stops it.
void arm_local_timer(std::uint32_t ticks) noexcept;
std::uint32_t local_timer_left() noexcept;

// To the CPU of that APIC ID.
void send_interrupt(std::uint32_t apic_id, std::uint8_t vector) noexcept;
void send_init(std::uint32_t apic_id) noexcept;
// It starts at `page` * 4096, in real mode.
void send_startup(std::uint32_t apic_id, std::uint8_t page) noexcept;
// One that cannot be masked.
void send_nmi(std::uint32_t apic_id) noexcept;

}  // namespace fallow::guest::x86
