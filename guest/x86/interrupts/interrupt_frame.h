// The stack frame that interrupt_stubs.S builds for an interrupt handler.
#pragma once

#include <cstdint>

namespace fallow::guest::x86 {

struct InterruptFrame {
  std::uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
  std::uint64_t vector, error;
  std::uint64_t rip, cs, rflags, rsp, ss;  // pushed by the processor
};

}  // namespace fallow::guest::x86
