// The fields of mm_page_alloc and mm_page_free.
#pragma once

#include <string_view>

#include "fallow/trace/line_parser.h"

namespace fallow {

// Reads "page=... pfn=... order=... migratetype=... gfp_flags=..." in any order into out.event, of which the
// kind is set. pfn is hexadecimal with 0x, or decimal (before Linux 5.15). Other words are stepped over: a
// newer kernel's fields, or "[FAILED TO PARSE]", which libtraceevent prints before the raw fields. Returns
// Event, FailedAlloc or Damaged.
LineKind parse_event_fields(std::string_view fields, ParsedLine& out);

}  // namespace fallow
