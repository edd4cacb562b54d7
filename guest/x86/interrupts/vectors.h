// The interrupt vectors. Also included by assembly.
#pragma once

#define VECTOR_NMI 2
#define VECTOR_BREAKPOINT 3
#define VECTOR_DOUBLE_FAULT 8
#define VECTOR_PAGE_FAULT 14
#define VECTOR_FIRST_INTERRUPT 32
#define VECTOR_PIC 32  // and the next 15
#define VECTOR_TIMER 48
#define VECTOR_WAKE 49
#define VECTOR_DEVICE_LINE 50
#define VECTOR_DEVICE_CONFIG 51
#define VECTOR_DEVICE_QUEUES 52
#define VECTOR_SPURIOUS 63
#define VECTOR_COUNT 64
