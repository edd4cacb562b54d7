// Wrappers of x86 instructions.
#pragma once

#include <cstdint>

namespace fallow::guest::x86 {

inline void out8(std::uint16_t port, std::uint8_t value) {
  asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
inline void out16(std::uint16_t port, std::uint16_t value) {
  asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}
inline void out32(std::uint16_t port, std::uint32_t value) {
  asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
inline std::uint8_t in8(std::uint16_t port) {
  std::uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
inline std::uint16_t in16(std::uint16_t port) {
  std::uint16_t value;
  asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}
inline std::uint32_t in32(std::uint16_t port) {
  std::uint32_t value;
  asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

inline std::uint64_t read_msr(std::uint32_t msr) {
  std::uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
  return std::uint64_t{high} << 32 | low;
}
inline void write_msr(std::uint32_t msr, std::uint64_t value) {
  asm volatile("wrmsr"
               :
               : "c"(msr), "a"(static_cast<std::uint32_t>(value)),
                 "d"(static_cast<std::uint32_t>(value >> 32))
               : "memory");
}

struct CpuId {
  std::uint32_t a, b, c, d;
};
inline CpuId cpu_id(std::uint32_t leaf, std::uint32_t sub_leaf = 0) {
  CpuId id;
  asm volatile("cpuid" : "=a"(id.a), "=b"(id.b), "=c"(id.c), "=d"(id.d) : "a"(leaf), "c"(sub_leaf));
  return id;
}

// Reads the time stamp counter after all earlier loads.
inline std::uint64_t time_stamp() {
  std::uint32_t low, high;
  asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return std::uint64_t{high} << 32 | low;
}

inline void pause() { asm volatile("pause"); }
inline void interrupts_off() { asm volatile("cli" : : : "memory"); }
inline void interrupts_on() { asm volatile("sti" : : : "memory"); }
// An interrupt that is already pending also ends the halt, because `sti` takes effect only after `hlt` has
// begun.
inline void interrupts_on_and_halt() { asm volatile("sti; hlt" : : : "memory"); }
[[noreturn]] inline void halt_for_good() {
  for (;;) asm volatile("cli; hlt" : : : "memory");
}

}  // namespace fallow::guest::x86
