// Finds the names of page events in a line of a trace.
#pragma once

#include <cstddef>
#include <string_view>

#include "trace/event.h"

namespace fallow::trace {

// The position of an event name in a line: "mm_page_alloc" or "mm_page_free", and before Linux 3.3 also
// "mm_page_free_direct" or "mm_pagevec_free".
struct EventName {
  TraceEvent::Kind kind = TraceEvent::Kind::Alloc;
  std::size_t begin = 0;  // begin of the word that contains the name
  std::size_t end = 0;    // end of that word
  // The word is "kmem:NAME:", "kmem/NAME:" or "NAME:", optionally followed by perf modifiers ("NAME:k:").
  // Otherwise the name is part of another word or was cut off.
  bool whole = false;
};

// Finds the first name at or after `from`. Returns false if there is none.
bool find_event_name(std::string_view line, std::size_t from, EventName& name);

// Returns whether a word is the event subsystem followed by a blank: "kmem:" or "kmem/".
constexpr bool is_event_system(std::string_view word) { return word == "kmem:" || word == "kmem/"; }

// Returns whether a word may be a truncated event name: "kmem:mm_pa", "mm_page_free".
bool is_event_name_prefix(std::string_view word);

}  // namespace fallow::trace
