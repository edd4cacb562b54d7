// One line of a trace, as ftrace, trace-cmd report or perf script print it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fallow/trace/event.h"

namespace fallow {

enum class LineKind : std::uint8_t {
  Event,        // mm_page_alloc or mm_page_free, in ParsedLine::event
  FailedAlloc,  // an allocation that got nothing: pfn is 0 or -1
  Lost,         // the tracer says that it lost events, ParsedLine::lost of them
  Other,        // another event, or anything else that these tools print: a comment, a header, a call chain
  Damaged,      // none of these; ParsedLine::reason says why
};

struct ParsedLine {
  TraceEvent event;
  std::uint64_t lost = 0;  // 0: the tracer did not count them
  std::string reason;      // a clause, for people
};

// Parses a line, which has no line end but may end in a carriage return. Only the member of `out` that
// belongs to the returned kind is meaningful. Any bytes are fine. Some 50 ns for an event; use the same `out`
// again and again.
LineKind parse_line(std::string_view line, ParsedLine& out);

}  // namespace fallow
