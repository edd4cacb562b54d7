// One line of a trace, as ftrace, trace-cmd report or perf script print it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trace/event.h"

namespace fallow::trace {

enum class LineKind : std::uint8_t {
  Event,        // a page was allocated or freed: ParsedLine::event
  FailedAlloc,  // an allocation that got nothing: pfn is 0 or -1
  Lost,         // the recorder says that it lost events, ParsedLine::lost of them
  Other,        // another event, or anything else that these tools print: a comment, a header, a call chain
  Odd,          // none of these, and without a page event in it; ParsedLine::reason says so
  Damaged,      // a page event is in it, or may be, and cannot be read; ParsedLine::reason says why
};

struct ParsedLine {
  TraceEvent event;
  std::uint64_t lost = 0;  // 0: the recorder did not count them
  std::string reason;      // a clause, for people
};

// Parses a line, which has no line end but may end in a carriage return. Only the member of `out` that
// belongs to the returned kind is meaningful. Any bytes are fine. What holds the name of a page event and its
// fields is never Other or Odd. Some 100 ns for an event; use the same `out` again and again.
LineKind parse_line(std::string_view line, PageShift page, ParsedLine& out);

}  // namespace fallow::trace
