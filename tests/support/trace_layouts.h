// Page traces in the layout of each recorder and each of its options.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace fallow {

// The text has `events` page events and the other output of the recorder. The first event allocates frame
// 0x4200 with order 9 and migratetype 1.
struct TraceLayout {
  const char* name;
  std::size_t events;
  std::string_view text;
};

inline constexpr std::array kTraceLayouts{
    TraceLayout{"ftrace", 3,
                R"(# tracer: nop
#
# entries-in-buffer/entries-written: 3/3   #P:2
#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
              dd-901     [000] .....   500.000100: mm_page_alloc: page=000000006b732c96 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP
              dd-901     [000] d..1.   500.000200: mm_page_free: page=000000006b732c96 pfn=0x4200 order=9
     kworker/1:2-77      [001] .N...   500.000300: mm_page_alloc: page=000000006b732c96 pfn=0x10 order=0 migratetype=0 gfp_flags=GFP_KERNEL
)"},
    TraceLayout{
        "ftrace before Linux 5.15", 2,
        R"(           <...>-22275 [006] ....   889.213383: mm_page_alloc: page=00000000d2be5665 pfn=16896 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER|__GFP_ZERO
           <...>-22275 [006] d.s1   889.213384: mm_page_free: page=00000000d2be5665 pfn=16896 order=9
)"},
    TraceLayout{
        "ftrace before Linux 3.3", 3,
        R"(              dd-901   [000]   500.000100: mm_page_alloc: page=ffffea0000108000 pfn=16896 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
              dd-901   [000]   500.000200: mm_page_free_direct: page=ffffea0000108000 pfn=16896 order=9
              dd-901   [000]   500.000300: mm_pagevec_free: page=ffffea0003db9f78 pfn=1155801 order=0 cold=0
)"},
    TraceLayout{
        "ftrace record-tgid", 2,
        R"(              dd-901     (    901) [000] .....   500.000100: mm_page_alloc: page=000000006b732c96 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
          <idle>-0       (-------) [127] ..s1.   500.000200: mm_page_free: page=000000006b732c96 pfn=0x4200 order=9
)"},
    TraceLayout{
        "ftrace fields", 2,
        R"(              dd-901     [000] .....   500.000100: mm_page_alloc: pfn=0x4200 (16896) order=0x9 (9) gfp_flags=0x140dca (1314250) migratetype=0x1 (1)
              dd-901     [000] .....   500.000200: mm_page_free: pfn=0x4200 (16896) order=0x9 (9)
)"},
    TraceLayout{"ftrace latency-format", 3,
                R"(# tracer: nop
#
# nop latency trace v1.1.5 on 6.1.0
# --------------------------------------------------------------------
# latency: 0 us, #3/3, CPU#0 | (M:desktop VP:0, KP:0, SP:0 HP:0 #P:2)
#    -----------------
#    | task: -0 (uid:0 nice:0 policy:0 rt_prio:0)
#    -----------------
#  cmd     pid     |||||| time  |   caller
#     \   /        ||||||  \    |    /
      dd-901       0.....   12us : mm_page_alloc: page=000000006b732c96 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
      dd-901       0d..1.   24us+: mm_page_free: page=000000006b732c96 pfn=0x4200 order=9
kworker/-77        1.N... 1024us!: mm_page_free: page=000000006b732c96 pfn=0x10 order=0
)"},
    TraceLayout{
        "ftrace latency-format verbose", 2,
        R"(              dd     901   0 0 00000000 00000000 [0007a120] 12.345ms (+0.000ms): mm_page_alloc: page=000000006b732c96 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
              dd     901   0 1 00000001 00000001 [0007a184] 12.445ms (+0.100ms): mm_page_free: page=000000006b732c96 pfn=0x4200 order=9
)"},
    TraceLayout{
        "ftrace stacktrace", 2,
        R"(              dd-901     [000] .....   500.000100: mm_page_alloc: page=000000006b732c96 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
              dd-901     [000] .....   500.000101: <stack trace>
 => trace_event_raw_event_mm_page_alloc
 => __alloc_pages
CPU:1 [LOST 12 EVENTS]
              dd-901     [000] .....   500.000200: mm_page_free: page=000000006b732c96 pfn=0x4200 order=9
)"},
    TraceLayout{"trace-cmd report", 3,
                R"(version = 7
CPU 1 is empty
cpus=2
              dd-901   [000]   500.000100: mm_page_alloc:        page=0xffffea0000108000 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
CPU:0 [37 EVENTS DROPPED]
              dd-901   [000]   500.000200: mm_page_free:         page=0xffffea0000108000 pfn=0x4200 order=9
              dd-901   [000]   500.000300: mm_page_alloc:        [FAILED TO PARSE] pfn=0x18e933 order=0 gfp_flags=0xcc0 migratetype=1
)"},
    TraceLayout{"trace-cmd report, newer", 2,
                R"(cpus=2
              dd-901   [000] .....   500.000100: mm_page_alloc:        page=0xffffea0000108000 pfn=0x4200 order=9 migratetype=1 gfp_flags=0x140dca
              dd-901   [000] d..1.   500.000200: mm_page_free:         page=0xffffea0000108000 pfn=0x4200 order=9
)"},
    TraceLayout{"trace-cmd report --ts-diff", 4,
                R"(cpus=1
dd-901 [000] 500.000100:          mm_page_alloc: page=0xffffea0000108000 pfn=0x4200 order=9 migratetype=1 gfp_flags=0x140dca
dd-901 [000] 500.000200: (+100)   mm_page_alloc: page=0xffffea0000100080 pfn=0x4400 order=9 migratetype=1 gfp_flags=0x140dca
dd-901 [000] 500.000300: (+100)   mm_page_free: page=0xffffea0000100080 pfn=0x4200 order=9
dd-901 [000] .....  500.000400: (+100)   mm_page_free:         page=0xffffea0000100080 pfn=0x4400 order=9
)"},
    TraceLayout{
        "trace-cmd report -t", 2,
        R"(  dd-901 [000]  500.000100123: mm_page_alloc:  page=0xffffea0000108000 pfn=0x4200 order=9 migratetype=1 gfp_flags=0x140dca
  dd-901 [000]  500.000200123: mm_page_free:  page=0xffffea0000108000 pfn=0x4200 order=9
)"},
    TraceLayout{"trace-cmd report -l", 2,
                R"(cpus=2
      dd-901     0..... 500.000100: mm_page_alloc:        page=0xffffea0000108000 pfn=0x4200 order=9 migratetype=1 gfp_flags=0x140dca
kworker/-77      1d.h1. 500.000200: mm_page_free:         page=0xffffea0000108000 pfn=0x4200 order=9
)"},
    TraceLayout{"trace-cmd report -R", 2,
                R"(cpus=2
              dd-901   [000]-0x0 500.000100: mm_page_alloc:        pfn=0x4200 order=9 gfp_flags=1314250 migratetype=1
              dd-901   [000]-0x1 500.000200: mm_page_free:         pfn=0x4200 order=9
)"},
    TraceLayout{"trace-cmd report -R -l", 2,
                R"(cpus=2
      dd-901     0-0x0 500.000100: mm_page_alloc:        pfn=0x4200 order=9 gfp_flags=1314250 migratetype=1
      dd-901     0-0x1 500.000200: mm_page_free:         pfn=0x4200 order=9
)"},
    TraceLayout{"trace-cmd report --debug", 2,
                R"(cpus=2
CPU:0 [SUBBUFFER START] [500000100000:0x2000]
              dd-901   [000] .....   500.000100: mm_page_alloc:        page=0xffffea0000108000 pfn=0x4200 order=9 migratetype=1 gfp_flags=0x140dca [0:0x10:36]
 TIME EXTEND: delta:100000 length:8
              dd-901   [000] .....   500.000200: mm_page_free:         page=0xffffea0000108000 pfn=0x4200 order=9 [100:0x3c:28]
)"},
    TraceLayout{"trace-cmd report, instances", 3,
                R"(              cpus=2
              dd-901   [000]   500.000100: mm_page_alloc:        page=0xffffea0000108000 pfn=0x4200 order=9 migratetype=1 gfp_flags=0x140dca
  pages: CPU:1 [37 EVENTS DROPPED]
  pages: CPU:0 [SUBBUFFER START]
  pages:    dd-901   [000] .....   500.000200: mm_page_free:         page=0xffffea0000108000 pfn=0x4200 order=9
my day.dat:    dd-901   [000]   500.000300: mm_page_alloc:        page=0xffffea0000108000 pfn=0x20 order=0 migratetype=1 gfp_flags=0x140dca
)"},
    TraceLayout{"perf script", 3,
                R"(# captured on    : Mon Nov 30 12:00:00 2026
# cmdline : /usr/bin/perf record -e kmem:mm_page_alloc -e kmem:mm_page_free -a
# event : name = kmem:mm_page_alloc, , id = { 1, 2 }, type = 2, size = 128, config = 0x1d7
              dd   901 [000]   500.000100:    kmem:mm_page_alloc: page=0x4200 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
             dd   901 [000]   500.000150: PERF_RECORD_LOST lost 12
     Web Content   901/902   [000]   500.000200:     kmem:mm_page_free: page=0x4200 pfn=0x4200 order=9
              dd   901 [000]   500.000300:          1     kmem:mm_page_free:k: page=0x4200 pfn=0x10 order=0
)"},
    TraceLayout{
        "perf script -F with other fields", 4,
        R"(              dd   901    500.000100: kmem:mm_page_alloc: page=0x4200 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
   500.000200: kmem:mm_page_free: page=0x4200 pfn=0x4200 order=9
              dd   901 [000] K 2026-11-30 12:00:00.500300   500.000300: kmem:mm_page_alloc: page=0x4200 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
              dd   901 [000]    500.000400:      1,234 kmem:mm_page_free: page=0x4200 pfn=0x4200 order=9
)"},
    TraceLayout{
        "perf script -L", 2,
        R"(      dd     901   1   500.000100: kmem:mm_page_alloc: page=0x4200 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
      dd     901   0   500.000200: kmem:mm_page_free: page=0x4200 pfn=0x4200 order=9
)"},
    TraceLayout{
        "perf script -g -F +srcline,+srccode", 2,
        R"(dd   901 [000]   500.000100: kmem:mm_page_alloc: page=0x4200 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
	ffffffffbe23e32e __alloc_pages+0x22e ([kernel.kallsyms])
  page_alloc.c:5590
|5590     	page = get_page_from_freelist(alloc_gfp, order, alloc_flags, &ac);
	    7efdf7f7d3e8 main (inlined)
  dd.c:12 (inlined)

dd   901 [000]   500.000200: kmem:mm_page_free: page=0x4200 pfn=0x4200 order=9 ffffffffbe23e32e free_unref_page+0x1 ([kernel.kallsyms]) page_alloc.c:1234

Warning:
Processed 4567 events and lost 3 chunks!

Check IO/CPU overload!

)"},
    TraceLayout{
        "a system or a number before the name", 5,
        R"(dd-901 [000] 500.000100: [1] mm_page_alloc: page=0xffffea0000108000 pfn=0x4200 order=9 migratetype=1 gfp_flags=0x140dca
dd-901 [000] 500.000200: 1,234,567 mm_page_free: page=0xffffea0000100080 pfn=0x4200 order=9
dd-901 [000] 500.000300: kmem:mm_page_alloc: page=0xffffea0000100080 pfn=0x4200 order=9 migratetype=1 gfp_flags=0x140dca
dd-901 [000] 500.000400: kmem/mm_page_free: page=0xffffea0000100080 pfn=0x4200 order=9
dd-901 [000] 500.000500: kmem: mm_page_free: page=0xffffea0000100080 pfn=0x10 order=0
)"},
    TraceLayout{"atrace and Perfetto", 2,
                R"(capturing trace... done
TRACE:
# tracer: nop
#
# entries-in-buffer/entries-written: 30624/30630   #P:4
#
#           TASK-PID    TGID   CPU#  ||||    TIMESTAMP  FUNCTION
          <idle>-0     (-----) [000] d..2   500.000000: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=dd next_pid=901 next_prio=120
              dd-901   (  901) [000] ...1   500.000100: mm_page_alloc: gfp_flags=1314250 migratetype=1 order=9 page=0 pfn=16896
              dd-901   (  901) [000] ...1   500.000150: tracing_mark_write: B|901|a marker
              dd-901   (  901) [000] ...1   500.000200: mm_page_free: order=9 page=0 pfn=16896
)"},
    TraceLayout{
        "odd names and markers", 3,
        R"(   [a] b: 1.5-901     [000] .....   500.000100: mm_page_alloc: page=000000006b732c96 pfn=0x4200 order=9 migratetype=1 gfp_flags=GFP_HIGHUSER
              dd-901     [000] .....   500.000150: tracing_mark_write: first line
and a second one [1] of the marker
               a
b-902     [001] .....   500.000200: mm_page_free: page=000000006b732c96 pfn=0x4200 order=9
   mm_page_free:-901     [000] .....   500.000300: mm_page_free: page=000000006b732c96 pfn=0x10 order=0
)"},
};

}  // namespace fallow
