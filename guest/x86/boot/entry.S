// The entry points. Switches from the state that a boot loader leaves (32-bit protected mode, paging off) to
// long mode with the first 4 GiB identity-mapped, and calls start(). Both loaders pass the address of their
// block in ebx.

#include "guest/x86/interrupts/selectors.h"
#include "guest/x86/boot/long_mode.inc"

#define PVH_ENTRY_NOTE 18          // XEN_ELFNOTE_PHYS32_ENTRY
#define MULTIBOOT2_MAGIC 0xe85250d6

  .section .note.pvh, "a", @note
  .balign 4
  .long 4, 8, PVH_ENTRY_NOTE
  .asciz "Xen"
  .quad pvh_entry

  .section .multiboot2, "a"
  .balign 8
multiboot2_header:
  .long MULTIBOOT2_MAGIC, 0, multiboot2_header_end - multiboot2_header
  .long -(MULTIBOOT2_MAGIC + (multiboot2_header_end - multiboot2_header))
  .short 6, 1                      // align modules to pages; optional
  .long 8
  .short 0, 0                      // end tag
  .long 8
multiboot2_header_end:

  .section .text.entry, "ax"
  .code32
  .globl pvh_entry, multiboot2_entry
pvh_entry:
  xor %eax, %eax
multiboot2_entry:                  // eax: magic of the loader
  cli
  cld
  mov %eax, %esi
  mov %ebx, %ebp
  mov $bss_begin, %edi
  mov $bss_end, %ecx
  sub %edi, %ecx
  xor %eax, %eax
  rep stosb

  // PML4, PDPT, and four directories of 2 MiB pages, all writable. paging.cc refines them.
  movl $(first_pdpt + 3), first_pml4
  mov $first_pdpt, %edi
  mov $(first_directories + 3), %eax
1:
  mov %eax, (%edi)
  add $8, %edi
  add $4096, %eax
  cmp $(first_pdpt + 4 * 8), %edi
  jne 1b
  mov $first_directories, %edi
  mov $0x83, %eax                  // present, writable, 2 MiB
2:
  mov %eax, (%edi)
  add $8, %edi
  add $0x200000, %eax
  jnc 2b

  enable_long_mode
  lgdt first_gdt_pointer
  ljmp $SELECTOR_CODE, $3f
  .code64
3:
  load_data_segments
  mov $first_stack_end, %rsp
  mov %esi, %edi
  mov %ebp, %esi
  xor %ebp, %ebp
  call start
4:
  cli
  hlt
  jmp 4b

  .section .rodata.gdt, "a"
  .balign 8
  .globl first_gdt
first_gdt:
  .quad 0
  .quad 0x00af9b000000ffff         // SELECTOR_CODE
  .quad 0x00cf93000000ffff         // SELECTOR_DATA
  .quad 0x00cf9b000000ffff         // SELECTOR_CODE_32
first_gdt_pointer:
  .short FIRST_GDT_LIMIT
  .long first_gdt

  .section .data.efer, "aw"
  .balign 4
  .globl first_efer
first_efer:
  .long 1 << 8                     // long mode; paging.cc adds no-execute for the other CPUs

  .section .bss.first, "aw", @nobits
  .balign 4096
  .globl first_pml4, first_pdpt, first_directories, first_stack, first_stack_end
first_pml4:
  .skip 4096
first_pdpt:
  .skip 4096
first_directories:
  .skip 4 * 4096
first_stack:
  .skip 16384
first_stack_end:

  .section .note.GNU-stack, "", @progbits
