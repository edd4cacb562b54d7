// The lines of a trace that are not events.
#pragma once

#include <string_view>

#include "fallow/trace/line_parser.h"

namespace fallow {

// For a line without a time. Other: an empty line, a comment, a header of trace-cmd, a frame of a call chain.
// Lost: "CPU:1 [LOST 12 EVENTS]" (ftrace) or "CPU:1 [12 EVENTS DROPPED]" (trace-cmd), with or without the
// number. Else Damaged, without a reason.
LineKind parse_other_line(std::string_view line, ParsedLine& out);

// Whether "mm_page_alloc:" or "mm_page_free:" stands anywhere in the text, as a word.
bool names_page_event(std::string_view text);

}  // namespace fallow
