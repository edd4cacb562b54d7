// The names of page events in a line of a trace.
#pragma once

#include <cstddef>
#include <string_view>

#include "trace/event.h"

namespace fallow::trace {

// Where a name stands in a line: "mm_page_alloc" or "mm_page_free", before Linux 3.3 also
// "mm_page_free_direct" or "mm_pagevec_free".
struct EventName {
  TraceEvent::Kind kind = TraceEvent::Kind::Alloc;
  std::size_t begin = 0;  // of the word that it is in
  std::size_t end = 0;    // behind that word
  // The word is "kmem:NAME:", "kmem/NAME:" or "NAME:", perhaps with perf's modifiers behind it ("NAME:k:").
  // Else the name is a part of something else, or was cut off.
  bool whole = false;
};

// Finds the first name at `from` or later. False: there is none.
bool find_event_name(std::string_view line, std::size_t from, EventName& name);

// Whether a word is the system that the events belong to, where a blank follows it: "kmem:" or "kmem/".
constexpr bool is_event_system(std::string_view word) { return word == "kmem:" || word == "kmem/"; }

// Whether a word may be the begin of a name, cut off: "kmem:mm_pa", "mm_page_free".
bool is_begin_of_event_name(std::string_view word);

}  // namespace fallow::trace
