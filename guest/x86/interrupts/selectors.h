// Segment selectors of first_gdt (entry.S) and of the table of each CPU (cpu_state.h). Also included by
// assembly.
#pragma once

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_CODE_32 0x18
#define SELECTOR_TASK 0x20
#define FIRST_GDT_LIMIT (4 * 8 - 1)
