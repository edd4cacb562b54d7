// One 16-byte entry for each vector. All entries call handle_interrupt() with the frame.

#include "guest/x86/interrupts/vectors.h"

  .section .text.interrupts, "ax"
  .code64
  .balign 16
  .globl interrupt_stubs
interrupt_stubs:
  vector = 0
  .rept VECTOR_COUNT
  .balign 16
  .if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
  push $0                          // a zero where the processor pushes no error code
  .endif
  push $vector
  jmp common
  vector = vector + 1
  .endr

common:
  push %rax
  push %rbx
  push %rcx
  push %rdx
  push %rsi
  push %rdi
  push %rbp
  push %r8
  push %r9
  push %r10
  push %r11
  push %r12
  push %r13
  push %r14
  push %r15
  cld
  mov %rsp, %rdi
  call handle_interrupt
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %r11
  pop %r10
  pop %r9
  pop %r8
  pop %rbp
  pop %rdi
  pop %rsi
  pop %rdx
  pop %rcx
  pop %rbx
  pop %rax
  add $16, %rsp
  iretq

  .section .note.GNU-stack, "", @progbits
