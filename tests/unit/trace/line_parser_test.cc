#include "trace/line_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace fallow::trace {
namespace {

using Kind = TraceEvent::Kind;
using namespace std::string_view_literals;

TraceEvent alloc(std::uint64_t time, std::uint64_t pfn, std::uint8_t order, std::uint8_t type,
                 std::uint16_t cpu) {
  return {Nanoseconds{time}, Pfn{pfn}, Order{order}, Kind::Alloc, type, cpu};
}
TraceEvent free(std::uint64_t time, std::uint64_t pfn, std::uint8_t order, std::uint16_t cpu) {
  return {Nanoseconds{time}, Pfn{pfn}, Order{order}, Kind::Free, 0, cpu};
}

void expect_event(std::string_view line, const TraceEvent& expected) {
  ParsedLine parsed;
  ASSERT_EQ(parse_line(line, PageShift{}, parsed), LineKind::Event) << line << "\n" << parsed.reason;
  EXPECT_EQ(parsed.event.time, expected.time) << line;
  EXPECT_EQ(parsed.event.pfn, expected.pfn) << line;
  EXPECT_EQ(parsed.event.order, expected.order) << line;
  EXPECT_EQ(parsed.event.kind, expected.kind) << line;
  EXPECT_EQ(parsed.event.migratetype, expected.migratetype) << line;
  EXPECT_EQ(parsed.event.cpu, expected.cpu) << line;
}

void expect_kind(LineKind kind, std::string_view line) {
  ParsedLine parsed;
  EXPECT_EQ(parse_line(line, PageShift{}, parsed), kind) << line << "\n" << parsed.reason;
}

void expect_damaged(std::string_view line, std::string_view reason) {
  ParsedLine parsed;
  EXPECT_EQ(parse_line(line, PageShift{}, parsed), LineKind::Damaged) << line;
  EXPECT_EQ(parsed.reason, reason) << line;
}

TEST(LineParser, ftrace) {
  expect_event(
      "   capture-trace-31016   [001] .....  3511.176131: mm_page_alloc: pfn=0x196ace order=0 migratetype=0 "
      "gfp_flags=GFP_KERNEL_ACCOUNT|__GFP_ZERO|__GFP_COMP",
      alloc(3511'176131'000, 0x196ace, 0, 0, 1));
  expect_event(
      "         cc1plus-12347   [000] d..1.  1154.631977: mm_page_free: page=000000006b732c96 pfn=0x18e933 "
      "order=9",
      free(1154'631977'000, 0x18e933, 9, 0));
  // Linux before 5.15: four flags, the frame number in decimal.
  expect_event(
      "           <...>-22275 [006] ....   889.213383: mm_page_alloc: page=00000000d2be5665 pfn=970744 "
      "order=10 "
      "migratetype=2 nr_free=3650 gfp_flags=GFP_HIGHUSER|__GFP_ZERO",
      alloc(889'213383'000, 970744, 10, 2, 6));
}

TEST(LineParser, ftrace_with_tgid) {
  expect_event(
      "          <idle>-0     (-------) [127] ..s1.   12.000001: mm_page_free: page=00000000d2be5665 "
      "pfn=0x10 order=1",
      free(12'000001'000, 0x10, 1, 127));
  expect_event("            bash-1977  (   1977) [000] .....   12.5: mm_page_free: pfn=0x10 order=1",
               free(12'500000'000, 0x10, 1, 0));
}

TEST(LineParser, trace_cmd) {
  expect_event(
      "            make-16810 [004]  2319.000857: mm_page_alloc:        page=0xffffea00001347a7 pfn=0x1347a7 "
      "order=0 "
      "migratetype=1 gfp_flags=0x152c4a",
      alloc(2319'000857'000, 0x1347a7, 0, 1, 4));
  expect_event(
      "make-16810 [004] .....  2319.000857: mm_page_free:         page=0xffffea00001347a7 pfn=1263527 "
      "order=3",
      free(2319'000857'000, 1263527, 3, 4));
  expect_event("  make-16810 [004]  2319.000857123: mm_page_free:  pfn=0x1 order=3",
               free(2319'000857'123, 1, 3, 4));
  expect_event(
      "  make-16810 [004]  2319.000857: mm_page_alloc:  [FAILED TO PARSE] pfn=0x18e933 order=0 "
      "gfp_flags=0xcc0 "
      "migratetype=1",
      alloc(2319'000857'000, 0x18e933, 0, 1, 4));
}

TEST(LineParser, perf_script) {
  expect_event(
      "perf  6429 [000]    22.498450:             kmem:mm_page_alloc: page=0x176a17 pfn=1534487 order=0 "
      "migratetype=0 gfp_flags=GFP_KERNEL",
      alloc(22'498450'000, 1534487, 0, 0, 0));
  expect_event(
      "Web Content  6429/6431  [011]    22.498450123: kmem:mm_page_free: page=(nil) pfn=0x2a order=2",
      free(22'498450'123, 0x2a, 2, 11));
  expect_event("perf  6429 [000]    22.498450:          1 kmem:mm_page_free: pfn=0x2a order=2",
               free(22'498450'000, 42, 2, 0));
  expect_event("perf  6429 [000]    22.498450:   kmem:mm_page_free:k: pfn=0x2a order=2",
               free(22'498450'000, 42, 2, 0));
}

TEST(LineParser, perf_script_without_cpu) {
  expect_event("Web Content  6429    22.498450: kmem:mm_page_free: pfn=0x2a order=2",
               free(22'498450'000, 42, 2, 0));
  expect_event("cc1  6429/6430    22.498450: kmem:mm_page_free: pfn=0x2a order=2",
               free(22'498450'000, 42, 2, 0));
  expect_event("    22.498450: kmem:mm_page_free: pfn=0x2a order=2", free(22'498450'000, 42, 2, 0));
}

TEST(LineParser, any_command) {
  for (const auto* command :
       {"a b-c", "kworker/u8:2", "x [000] y", "[000]", "(sd-pam)", "1.0: a", ": mm_page_free:", "[0] 1: x",
        "\xff\xfe\x80", "mm_page_alloc:", "a-1 [0] 1.2"}) {
    expect_event(std::string(command) + "-123   [002] .....  7.000001: mm_page_free: pfn=0x3 order=1",
                 free(7'000001'000, 3, 1, 2));
  }
}

TEST(LineParser, carriage_return) {
  expect_event("a-1 [002] .....  7.000001: mm_page_free: pfn=0x3 order=1\r", free(7'000001'000, 3, 1, 2));
  expect_kind(LineKind::Other, "\r");
}

TEST(LineParser, largest_values) {
  expect_event(
      "a-1 [65535] 18446744072.999999999: mm_page_alloc: pfn=0xfffffffffffff order=10 migratetype=255",
      alloc(18446744072'999999999u, 0xfffffffffffff, 10, 255, 65535));
}

TEST(LineParser, failed_allocation) {
  for (const auto* fields :
       {"page=0000000000000000 pfn=0x0", "page=(nil) pfn=0", "page=0x0 pfn=0xffffffffffffffff",
        "page=(nil) pfn=18446744073709551615", "pfn=-1"}) {
    expect_kind(LineKind::FailedAlloc, "a-1 [000] ..... 7.1: mm_page_alloc: " + std::string(fields) +
                                           " order=9 migratetype=1 gfp_flags=GFP_NOWAIT");
  }
}

TEST(LineParser, other_events) {
  for (const auto* event :
       {"mm_page_alloc_extfrag: page=1 pfn=0x1 alloc_order=0",
        "mm_page_alloc_zone_locked: page=1 pfn=0x1 order=0 migratetype=1",
        "mm_page_free_batched: page=1 pfn=0x1 order=0",
        "mm_page_pcpu_drain: page=1 pfn=0x1 order=0 migratetype=1", "kmem:kfree: call_site=ffff ptr=1",
        "<stack trace>", "sched_switch: prev_comm=mm_page_free: prev_pid=1 [120]",
        "do_sys_open <-do_sys_openat2", "tracing_mark_write: ]["}) {
    expect_kind(LineKind::Other, "a-1 [000] .....  7.1: " + std::string(event));
    expect_kind(LineKind::Other, "a 1 [000]  7.1:   " + std::string(event));
  }
}

TEST(LineParser, what_else_the_tools_print) {
  for (const auto* line : {"",
                           "   ",
                           "\t",
                           "# tracer: nop",
                           "#",
                           "#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION",
                           "##### CPU 1 buffer started ####",
                           "# event : name = kmem:mm_page_alloc: , 7.1: mm_page_alloc: pfn=x",
                           "cpus=2",
                           "version = 7",
                           "CPU 0 is empty",
                           "CPU 13 is empty",
                           "\tffffffff8125b0c9 __alloc_pages+0x1d9 ([kernel.kallsyms])",
                           "\t    7efdf7f7d3e8 __poll+0x18 (/usr/lib64/libc-2.28.so)",
                           "        5651468729c1 [unknown] (/usr/bin/perf)",
                           "\tffffffff8125b0c9",
                           "            main (inlined)",
                           " => __alloc_pages_nodemask",
                           "=> do_syscall_64 (ffffffff8125b0c9)",
                           " =>  <00007f3e>"}) {
    expect_kind(LineKind::Other, line);
  }
}

TEST(LineParser, lost_events) {
  ParsedLine parsed;
  for (const auto* line :
       {"CPU:1 [LOST 12 EVENTS]", "CPU:1 [12 EVENTS DROPPED]", "  pages: CPU:1 [12 EVENTS DROPPED]",
        "my day.dat: CPU:1 [12 EVENTS DROPPED]", "perf 0 [000] 5.5: PERF_RECORD_LOST lost 12",
        "perf 0 [000] 5.5: PERF_RECORD_LOST_SAMPLES lost 12", "overrun: 12", "commit overrun: 12",
        "dropped events: 12", "CPU 1: 12 events lost",
        "CPU 1: 5 events lost 7 events lost due to commit overrun",
        "# entries-in-buffer/entries-written: 30624/30636   #P:4",
        "# latency: 0 us, #30624/30636, CPU#0 | (M:desktop VP:0, KP:0, SP:0 HP:0 #P:2)",
        "Processed 96 samples and lost 12.50%!"}) {
    EXPECT_EQ(parse_line(line, PageShift{}, parsed), LineKind::Lost) << line;
    EXPECT_EQ(parsed.lost, 12u) << line;
  }
  for (const auto* line :
       {"CPU:1 [LOST EVENTS]", "CPU:1 [EVENTS DROPPED]", "Processed 4567 events and lost 3 chunks!"}) {
    EXPECT_EQ(parse_line(line, PageShift{}, parsed), LineKind::Lost) << line;
    EXPECT_EQ(parsed.lost, 0u) << line;
  }
  for (const auto* line : {"CPU:0 [SUBBUFFER START]", "  pages: CPU:0 [SUBBUFFER START] [5000:0x2000]",
                           "overrun: 0", "# entries-in-buffer/entries-written: 30624/30624   #P:4",
                           "# latency: 0 us, #5/5, CPU#0 | (M:desktop VP:0, KP:0, SP:0 HP:0 #P:2)"})
    expect_kind(LineKind::Other, line);
  for (const auto* line :
       {"CPU:1 [LOST 12", "CPU:1 [LOST x EVENTS]", "[LOST 12 EVENTS]", "12 EVENTS DROPPED]", "overrun: x",
        "# entries-in-buffer/entries-written: 5 #P:4", "# entries-in-buffer/entries-written: 6/5 #P:4",
        "Processed 96 samples and lost x%!", "CPU:1 [LOST 99999999999999999999 EVENTS]"})
    expect_kind(LineKind::Damaged, line);
}

TEST(LineParser, cut_off_anywhere) {
  for (
      const std::string_view line :
      {"   dd-31016   [001] .....  3511.176131: mm_page_alloc: pfn=0x196ace order=0 migratetype=0 gfp_flags=GFP_KERNEL"sv,
       "   dd 31016   [001]  3511.176131: kmem:mm_page_alloc: pfn=0x196ace order=0 migratetype=0 gfp_flags=GFP_KERNEL"sv}) {
    const std::size_t complete = line.find(" gfp_flags");
    const std::size_t blank = line.find("dd");
    const std::size_t bracket = line.find('[');
    for (std::size_t size = 0; size < line.size(); ++size) {
      const LineKind expected = size <= blank      ? LineKind::Other
                                : size <= bracket  ? LineKind::Odd
                                : size >= complete ? LineKind::Event
                                                   : LineKind::Damaged;
      expect_kind(expected, line.substr(0, size));
    }
  }
}

TEST(LineParser, damaged_fields) {
  const std::string head = "a-1 [000] .....  7.1: mm_page_alloc: ";
  expect_damaged(head, "pfn= is missing");
  expect_damaged(head + "order=0 migratetype=0", "pfn= is missing");
  expect_damaged(head + "pfn=0x1 migratetype=0", "order= is missing");
  expect_damaged(head + "pfn=0x1 order=0", "migratetype= is missing");
  expect_damaged(head + "pfn= order=0 migratetype=0", "pfn= is not a number");
  expect_damaged(head + "pfn=0x order=0 migratetype=0", "pfn=0x is not a number");
  expect_damaged(head + "pfn=0x1g order=0 migratetype=0", "pfn=0x1g is not a number");
  expect_damaged(head + "pfn=1a order=0 migratetype=0", "pfn=1a is not a number");
  expect_damaged(head + "pfn=0x12345678123456789 order=0 migratetype=0",
                 "pfn=0x12345678123456789 is not a number");
  expect_damaged(head + "pfn=0x1 order=\xff migratetype=0", "order=\\xff is not a number");
  expect_damaged(head + "pfn=0x1 order=11 migratetype=0",
                 "order=11 is above 10, the largest order with pages of 4 KiB (for larger pages: fallow "
                 "replay --page-size)");
  expect_damaged(
      head + "pfn=0x1 order=-1 migratetype=0",
      "order=18446744073709551615 is above 10, the largest order with pages of 4 KiB (for larger pages: "
      "fallow replay --page-size)");
  expect_damaged(head + "pfn=0x1 order=0 migratetype=256", "migratetype=256 is above the maximum of 255");
  expect_damaged(head + "pfn=0x10000000000000 order=0 migratetype=0",
                 "pfn=0x10000000000000 is beyond the largest physical address");
  expect_damaged("a-1 [000] ..... 7.1: mm_page_free: pfn=-1 order=0",
                 "pfn=0xffffffffffffffff is beyond the largest physical address");
}

TEST(LineParser, two_lines_in_one) {
  expect_damaged(
      "a-1 [000] ..... 7.1: mm_page_free: pfn=0x1 order=0 a-1 [000] ..... 7.2: mm_page_free: pfn=0x2 order=0",
      "pfn= appears twice");
  expect_damaged(
      "a-1 [000] ..... 7.1: mm_page_free: pfn=0x1 a-1 [000] ..... 7.2: mm_page_free: pfn=0x2 order=0",
      "pfn= appears twice");
  expect_damaged("a-1 [000] ..... 7.1: mm_pa a-1 [000] ..... 7.2: mm_page_free: pfn=0x2 order=0",
                 "two lines run together");
  expect_damaged("a-1 [000] 7.1: kfree: ptr=1 a-1 [000] 7.2: kmem:mm_page_free: pfn=0x2 order=0",
                 "two lines run together");
}

TEST(LineParser, damaged_heads) {
  constexpr auto kNoTime = "expected \"[cpu] seconds.fraction:\" before the event name";
  for (const auto* head :
       {"a-1 [000] .....  7x1.5", "a-1 [000] .....  7.", "a-1 [000] .....  .5", "a-1 [0x0] .....  7.5",
        "a-1 [70000] .....  7.5", "a-1 [000] .....  7.1234567890", "a-1 [000] .....  18446744073.0",
        "a-1 [000 .....  7.5", "a-1 [000] ..... ..... 7.5", "a-1 [000] ......... 7.5", "a-1 [000]7.5", "",
        "24)               |  /* x"}) {
    expect_damaged(std::string(head) + ": mm_page_free: pfn=0x1 order=0", kNoTime);
  }
  expect_damaged(
      " 24)               |  /* mm_page_alloc: page=0000000000000000 pfn=0 order=9 migratetype=1 */",
      kNoTime);
  for (const auto* name : {"", "k", "kmem:", "mm_page_", "kmem:mm_page_free", "mm_page_alloc"}) {
    expect_damaged("a-1 [000] .....  7.5: " + std::string(name), "the line is cut off inside the event name");
  }
}

void expect_odd(std::string_view line, std::string_view excerpt) {
  ParsedLine parsed;
  EXPECT_EQ(parse_line(line, PageShift{}, parsed), LineKind::Odd) << line;
  EXPECT_EQ(parsed.reason,
            "not output of ftrace, trace-cmd report or perf script: \"" + std::string(excerpt) + "\"");
}

TEST(LineParser, garbage) {
  expect_odd("\x01\xff garbage \"quoted\"", "\\x01\\xff garbage \"quoted\"");
  expect_odd(std::string(100, 'x'), std::string(60, 'x') + "...");
  expect_odd("cpus=x", "cpus=x");
  expect_odd("CPU 0 is emp", "CPU 0 is emp");
  expect_odd("   dd-1", "   dd-1");
  expect_damaged("a-1 [000] .....  7.5: mm_page_free: pfn=0x1 order=0\0"sv, "a NUL byte in the line");
}

TEST(LineParser, before_linux_3_3) {
  expect_event("a-1 [001] 7.1: mm_page_free_direct: page=ffffea0003db9f40 pfn=1155800 order=3",
               free(7'100000'000, 1155800, 3, 1));
  expect_event("a-1 [001] 7.1: mm_pagevec_free: page=ffffea0003db9f78 pfn=1155801 order=0 cold=0",
               free(7'100000'000, 1155801, 0, 1));
}

// The times and CPUs of the layouts in tests/support/trace_layouts.h.
TEST(LineParser, latency_formats) {
  expect_event("      dd-901     1d.h1. 500.000200: mm_page_free: pfn=0x2 order=9",
               free(500'000200'000, 2, 9, 1));
  expect_event("      dd-901   127d..1.   24us+: mm_page_free: pfn=0x2 order=9", free(24'000, 2, 9, 127));
  expect_event("      dd-901     0.....    0us : mm_page_free: pfn=0x2 order=9", free(0, 2, 9, 0));
  expect_event(
      "  dd  901   3 1 00000001 00000001 [0007a184] 12.445ms (+0.100ms): mm_page_free: pfn=0x2 order=9",
      free(12'445'000, 2, 9, 3));
  expect_event("dd-901   [002]-0x1 500.000200: mm_page_free: pfn=0x2 order=9", free(500'000200'000, 2, 9, 2));
  expect_event("      dd-901     2-0x1 500.000200: mm_page_free: pfn=0x2 order=9",
               free(500'000200'000, 2, 9, 2));
  expect_event("      dd     901   5   500.000100: kmem:mm_page_free: pfn=0x2 order=9",
               free(500'000100'000, 2, 9, 5));
}

TEST(LineParser, clocks_that_do_not_count_seconds) {
  for (const auto* head :
       {"a-1 [000] .....  7", "a-1 [000] 123456789012", "a-1 0d..1. 123456", "a 1 [000] 123456", "a 1 123456",
        "a  1   0 1 00000001 00000001 [000000000007a184] 1234 (+7)"}) {
    ParsedLine parsed;
    const std::string line = std::string(head) + ": mm_page_free: pfn=0x1 order=0";
    EXPECT_EQ(parse_line(line, PageShift{}, parsed), LineKind::Damaged) << line;
    EXPECT_TRUE(parsed.reason.starts_with("the time is in ticks of the clock x86-tsc or counter"))
        << parsed.reason;
    EXPECT_NE(parsed.reason.find("trace-cmd record -C mono"), std::string::npos);
  }
}

TEST(LineParser, larger_pages) {
  ParsedLine parsed;
  const std::string head = "a-1 [000] 7.1: mm_page_alloc: migratetype=1 ";
  ASSERT_EQ(parse_line(head + "pfn=0x10 order=13", PageShift{16}, parsed), LineKind::Event) << parsed.reason;
  EXPECT_EQ(parsed.event.pfn, Pfn{0x100});
  EXPECT_EQ(parsed.event.order, kMaxEventOrder);
  ASSERT_EQ(parse_line(head + "pfn=3 order=0", PageShift{14}, parsed), LineKind::Event) << parsed.reason;
  EXPECT_EQ(parsed.event.pfn, Pfn{12});
  EXPECT_EQ(parsed.event.order, Order{2});
  ASSERT_EQ(parse_line(head + "pfn=3 order=14", PageShift{16}, parsed), LineKind::Damaged);
  EXPECT_TRUE(parsed.reason.starts_with("order=14 is above 13, the largest order with pages of 64 KiB"))
      << parsed.reason;
  ASSERT_EQ(parse_line(head + "pfn=0xffffffffffff order=0", PageShift{16}, parsed), LineKind::Event);
  ASSERT_EQ(parse_line(head + "pfn=0x1000000000000 order=0", PageShift{16}, parsed), LineKind::Damaged);
  EXPECT_EQ(parsed.reason, "pfn=0x1000000000000 is beyond the largest physical address");
}

TEST(LineParser, a_page_event_that_cannot_be_read_is_never_passed_over) {
  const std::string fields = "page=0 pfn=0x1 order=0 migratetype=1";
  expect_damaged("a-1 [000] 7.1: " + fields, "expected an event name before the fields of a page event");
  expect_damaged("a-1 [000] " + fields, "the fields of a page event without its time and name");
  expect_damaged("# a-1 [000] 7.1: mm_page_alloc: " + fields, "a page event inside a comment");
  expect_damaged("a-1 [000] 7.1: tracing_mark_write: mm_page_alloc: " + fields,
                 "a page event inside another event, or two lines run together");
  expect_damaged("a-1 [000] 7.1: mm_page_alloc " + fields,
                 "a page event inside another event, or two lines run together");
  expect_damaged("     0.123 dd/901 kmem:mm_page_alloc(pfn: 16896, order: 9, migratetype: 1)",
                 "expected \"[cpu] seconds.fraction:\" before the event name");
  expect_damaged("a-1 [000] 7.1: mm_page_free: pfn=0x1 order=0 b-1 [000] 7.2: kfree: ptr=1",
                 "two lines run together: found \"kfree:\" among the fields");
  expect_damaged("a 1 7.1: kmem:mm_pa b 1 7.2: kmem:mm_page_free: pfn=0x1 order=0", "two lines run together");
}

}  // namespace
}  // namespace fallow::trace
