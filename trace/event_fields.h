// The fields of a page event.
#pragma once

#include <string_view>

#include "trace/line_parser.h"

namespace fallow::trace {

// Reads "page=... pfn=... order=... migratetype=... gfp_flags=..." in any order into out.event, whose kind
// the caller has set. pfn is hexadecimal with 0x, or decimal (before Linux 5.15). `page` is the page size of
// the trace. Skips other words: fields of a newer kernel, a call chain, or "[FAILED TO PARSE]", which
// libtraceevent prints before raw fields. A word that ends with a colon is an error, because it belongs to a
// second line. Returns Event, FailedAlloc or Damaged.
LineKind parse_event_fields(std::string_view fields, PageShift page, ParsedLine& out);

// Returns whether the text contains both "pfn" and "order", each followed by an equals sign or, as in the
// output of perf trace, by a colon.
bool has_event_fields(std::string_view text);

}  // namespace fallow::trace
