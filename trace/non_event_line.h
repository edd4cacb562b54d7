// The lines of a trace that have no page event.
#pragma once

#include <string_view>

#include "trace/line_parser.h"

namespace fallow::trace {

// For a line without the name of a page event, or with one in other text, that is no comment.
//   Lost     what the recorder lost: see lost_events.h
//   Other    another event, an empty line, a header of trace-cmd or atrace, a part of a call chain
//   Damaged  what is left of a page event that lost its name or its end
//   Odd      anything else
LineKind parse_other_line(std::string_view line, ParsedLine& out);

// The same for the text behind the head of another event: Lost, Other or Damaged.
LineKind parse_other_event(std::string_view text, ParsedLine& out);

// Lost, Other or Damaged: "# ...", as ftrace and perf script print it before the events.
LineKind parse_comment(std::string_view line, ParsedLine& out);

}  // namespace fallow::trace
