// The fields of page events.
#pragma once

#include <string_view>

#include "trace/line_parser.h"

namespace fallow::trace {

// Reads "page=... pfn=... order=... migratetype=... gfp_flags=..." in any order into out.event, of which the
// kind is set. pfn is hexadecimal with 0x, or decimal (before Linux 5.15); pages are of the size `page`.
// Other words are stepped over: a newer kernel's fields, a call chain, or "[FAILED TO PARSE]", which
// libtraceevent prints before the raw fields. A word that ends with a colon is none of these, but of a second
// line. Returns Event, FailedAlloc or Damaged.
LineKind parse_event_fields(std::string_view fields, PageShift page, ParsedLine& out);

// Whether both "pfn" and "order" stand in the text, with an equals sign or, as perf trace prints them, a
// colon.
bool has_event_fields(std::string_view text);

}  // namespace fallow::trace
