// What stands before the name of an event in a line of a trace.
#pragma once

#include <cstdint>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::trace {

struct LineHead {
  enum class Found : std::uint8_t {
    Head,
    None,
    OtherClock,  // the time is one of a clock that does not count seconds
  };

  Found found = Found::None;
  Nanoseconds time{};
  std::uint16_t cpu = 0;    // 0 where the line does not tell
  bool has_task = false;    // it has a CPU or a task, not only a time
  std::string_view before;  // what stands before the time and the CPU: the task, and the input's name
};

// The head that ends `text`, which is what stands before the name of an event. It is read from its end to its
// begin, since the task's name is any text.
//   ftrace              cc1-123     (    123) [000] d..1.  1154.625902:
//   its latency format      cc1-123       0d..1.   12us+:
//   the same, verbose   cc1     123   0 1 00000001 00000012 [0007a120] 12.345ms (+0.001ms):
//   trace-cmd report    cc1-123     [000]  1154.625902:
//     with -l               cc1-123       0d..1. 1154.625902:
//     with -R           cc1-123     [000]-0x1 1154.625902:
//   perf script         cc1 123/124 [000]  1154.625902:
//     with -L               cc1 124   0  1154.625902:
//     with -F           cc1 123/124 [000] K 2026-11-30 12:00:00.500300 1154.625902:, and any of it may be
//     missing
// Between the time and the end of `text` anything may stand that does not end with a colon: a number,
// "(+100)",
// "[1]", "kmem:".
LineHead read_line_head(std::string_view text);

// The first head in a line, where the name that ends it is not known; `rest` is what follows it. Where the
// text may have a time in it that is no head, `with_task` leaves out heads that are nothing but a time. None,
// if there is none.
LineHead find_line_head(std::string_view line, std::string_view& rest, bool with_task = false);

}  // namespace fallow::trace
