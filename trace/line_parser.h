// Parses one line of a trace, as printed by ftrace, trace-cmd report or perf script.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trace/event.h"

namespace fallow::trace {

enum class LineKind : std::uint8_t {
  Event,        // a page was allocated or freed; see ParsedLine::event
  FailedAlloc,  // an allocation that failed: pfn is 0 or -1
  Lost,         // the recorder lost ParsedLine::lost events
  Other,        // another event, or other output of these tools: a comment, a header, a call chain
  Odd,          // none of these, and contains no page event; ParsedLine::reason quotes the line
  Damaged,      // contains, or may contain, a page event that cannot be read; ParsedLine::reason says why
};

struct ParsedLine {
  TraceEvent event;
  std::uint64_t lost = 0;  // 0: the recorder did not count them
  std::string reason;      // a clause for an error message
};

// Parses a line without its newline; a trailing carriage return is ignored. Only the member of `out` that
// belongs to the returned kind is meaningful. Accepts any bytes. A line with the name of a page event and its
// fields is never Other or Odd. An event takes about 100 ns; reuse `out` to avoid allocations.
LineKind parse_line(std::string_view line, PageShift page, ParsedLine& out);

}  // namespace fallow::trace
