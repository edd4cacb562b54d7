// Classifies the lines of a trace that contain no page event.
#pragma once

#include <string_view>

#include "trace/line_parser.h"

namespace fallow::trace {

// Classifies a line that is not a comment and has no event name, or has an event name inside other text.
//   Lost     the recorder lost events: see lost_events.h
//   Other    another event, an empty line, a header of trace-cmd or atrace, a part of a call chain
//   Damaged  the remainder of a page event that lost its name or its end
//   Odd      anything else
LineKind parse_non_event_line(std::string_view line, ParsedLine& out);

// Classifies the text after the head of another event: Lost, Other or Damaged.
LineKind parse_other_event(std::string_view text, ParsedLine& out);

// Classifies a comment, "# ...", as ftrace and perf script print before the events: Lost, Other or Damaged.
LineKind parse_comment(std::string_view line, ParsedLine& out);

}  // namespace fallow::trace
