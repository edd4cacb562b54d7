// The two 8259 interrupt controllers: the lines 0 to 15, at the vectors from VECTOR_PIC on.
#pragma once

#include <cstdint>

namespace fallow::guest::x86 {

// Moves their interrupts away from the exceptions, all masked. Where there is no 8259 this goes nowhere.
void start_pic() noexcept;
void enable_pic_line(std::uint8_t line) noexcept;
void disable_pic_line(std::uint8_t line) noexcept;
void end_of_pic_interrupt(std::uint8_t line) noexcept;

}  // namespace fallow::guest::x86
