// The two 8259 interrupt controllers: lines 0 to 15, on the vectors from VECTOR_PIC on.
#pragma once

#include <cstdint>

namespace fallow::guest::x86 {

// Remaps the interrupts away from the exception vectors and masks all lines. Harmless without an 8259.
void start_pic() noexcept;
void enable_pic_line(std::uint8_t line) noexcept;
void disable_pic_line(std::uint8_t line) noexcept;
void end_of_pic_interrupt(std::uint8_t line) noexcept;

}  // namespace fallow::guest::x86
