// The head of a trace line: the text before the event name.
#pragma once

#include <cstdint>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow::trace {

struct LineHead {
  enum class Found : std::uint8_t {
    Head,
    None,
    OtherClock,  // the time is from a clock that does not count seconds
  };

  Found found = Found::None;
  Nanoseconds time{};
  std::uint16_t cpu = 0;    // 0 if the line does not name the CPU
  bool has_task = false;    // the head has a CPU or a task, not only a time
  std::string_view before;  // the text before the time and the CPU: the task and the name of the input
};

// Reads the head at the end of `text`, the part of a line before the event name. Reads backward, because a
// task name may contain any text.
//   ftrace              cc1-123     (    123) [000] d..1.  1154.625902:
//     latency format        cc1-123       0d..1.   12us+:
//     verbose latency   cc1     123   0 1 00000001 00000012 [0007a120] 12.345ms (+0.001ms):
//   trace-cmd report    cc1-123     [000]  1154.625902:
//     with -l               cc1-123       0d..1. 1154.625902:
//     with -R           cc1-123     [000]-0x1 1154.625902:
//   perf script         cc1 123/124 [000]  1154.625902:
//     with -L               cc1 124   0  1154.625902:
//     with -F           cc1 123/124 [000] K 2026-11-30 12:00:00.500300 1154.625902:
//                       (each part is optional)
// Between the time and the end of `text` any word may appear that does not end with a colon, such as a
// number, "(+100)" or "[1]", and also "kmem:".
LineHead read_line_head(std::string_view text);

// Finds the first head in a line whose event name is not known. `rest` receives the text after the head. With
// `with_task`, a time without a task or CPU does not count as a head; callers use this for text that may
// contain a time. Returns None if there is no head.
LineHead find_line_head(std::string_view line, std::string_view& rest, bool with_task = false);

}  // namespace fallow::trace
