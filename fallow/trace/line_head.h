// What stands before the name of an event in a line of a trace.
#pragma once

#include <cstdint>
#include <string_view>

#include "fallow/base/units.h"

namespace fallow {

struct LineHead {
  Nanoseconds time;
  std::uint16_t cpu = 0;
  std::string_view rest;  // from the name of the event on
};

// Finds the head of an event's line: the leftmost "[cpu] flags seconds.fraction:", where the flags may be
// missing.
//   ftrace       cc1-123     (    123) [000] d..1.  1154.625902: name: fields
//   trace-cmd    cc1-123     [000]  1154.625902: name:          fields
//   perf script  cc1 123/124 [000]  1154.625902:    kmem:name: fields
// What comes before, the command above all, may be any text: a command of 15 characters has no room for a
// whole head and the name of an event. False if the line has no such head.
bool find_line_head(std::string_view line, LineHead& head);

// The same for what perf script prints without the cpu column: "cc1 123/124 seconds.fraction: name", or
// without "cc1 123/124".
bool find_line_head_without_cpu(std::string_view line, LineHead& head);

}  // namespace fallow
