// Starts the other CPUs. Each begins in 16-bit mode in a copy of the trampoline below 1 MiB, switches to the
// image's tables and its own stack, and calls start_other().

#include "guest/x86/interrupts/selectors.h"
#include "guest/x86/boot/long_mode.inc"

  .section .rodata.trampoline, "a"
  .code16
  .globl trampoline_begin, trampoline_end
trampoline_begin:
  cli
  cld
  mov %cs, %ax
  mov %ax, %ds
  lgdtl trampoline_gdt_pointer - trampoline_begin
  mov %cr0, %eax
  or $1, %eax
  mov %eax, %cr0
  ljmpl $SELECTOR_CODE_32, $other_entry
  .balign 4
trampoline_gdt_pointer:
  .short FIRST_GDT_LIMIT
  .long first_gdt
trampoline_end:

  .section .text.entry, "ax"
  .code32
other_entry:
  load_data_segments
  enable_long_mode
  ljmp $SELECTOR_CODE, $1f
  .code64
1:
  load_data_segments
  xor %eax, %eax
  mov %eax, %fs
  mov %eax, %gs
  mov $1, %eax
  cpuid
  shr $24, %ebx                    // initial APIC ID
  movzbl slot_of_apic_id(%rbx), %edi
  test %edi, %edi                  // slot 0: this CPU was not started by the guest
  jz 2f
  mov stack_of_slot(, %rdi, 8), %rsp
  xor %ebp, %ebp
  call start_other
2:
  cli
  hlt
  jmp 2b

  .section .note.GNU-stack, "", @progbits
