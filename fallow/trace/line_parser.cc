#include "fallow/trace/line_parser.h"

#include <fmt/format.h>

#include <utility>

#include "fallow/trace/cursor.h"
#include "fallow/trace/event_fields.h"
#include "fallow/trace/excerpt.h"
#include "fallow/trace/line_head.h"
#include "fallow/trace/other_line.h"

namespace fallow {
namespace {

constexpr std::string_view kAlloc = "mm_page_alloc:";
constexpr std::string_view kFree = "mm_page_free:";

LineKind damaged(ParsedLine& out, std::string reason) {
  out.reason = std::move(reason);
  return LineKind::Damaged;
}

// "mm_page_all" at the end of a line, or nothing at all: the line was cut off inside the name of an event
// that may have been one of ours.
bool is_cut_off_name(std::string_view rest) {
  if (rest.starts_with("kmem:")) rest.remove_prefix(5);
  return std::string_view("kmem:").starts_with(rest) || (rest != kAlloc && kAlloc.starts_with(rest)) ||
         (rest != kFree && kFree.starts_with(rest));
}

// A line that lost its end, and the line after it: "mm_pacc1-123 [000] 12.5: mm_page_free: pfn=...". The time
// is looked for too, since the fields of other events may hold a command by the name of "mm_page_free:".
bool holds_another_line(std::string_view rest) {
  if (!names_page_event(rest)) return false;
  LineHead head;
  while (find_line_head(rest, head)) {
    Cursor cursor(head.rest);
    cursor.take("kmem:");
    if (cursor.take(kAlloc) || cursor.take(kFree)) return true;
    rest = head.rest;
  }
  return false;
}

LineKind parse_other_event(std::string_view rest, ParsedLine& out) {
  if (is_cut_off_name(rest)) return damaged(out, "the line is cut off before the name of the event ends");
  if (holds_another_line(rest)) return damaged(out, "two lines in one");
  Cursor cursor(rest);
  // perf script --show-lost-events
  if (cursor.take("PERF_RECORD_LOST lost ") && cursor.take_decimal(out.lost)) return LineKind::Lost;
  return LineKind::Other;
}

LineKind parse_without_head(std::string_view line, ParsedLine& out) {
  const LineKind kind = parse_other_line(line, out);
  if (kind != LineKind::Damaged) return kind;
  if (names_page_event(line)) {
    return damaged(out, "no \"[cpu] seconds.fraction:\" before the name of the event");
  }
  return damaged(out,
                 fmt::format("not a line of ftrace, trace-cmd report or perf script: \"{}\"", excerpt(line)));
}

}  // namespace

LineKind parse_line(std::string_view line, ParsedLine& out) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find('\0') != line.npos) return damaged(out, "a NUL byte in the line");
  if (line.starts_with('#')) return LineKind::Other;
  LineHead head;
  if (!find_line_head(line, head) && !find_line_head_without_cpu(line, head))
    return parse_without_head(line, out);

  Cursor cursor(head.rest);
  cursor.take("kmem:");
  if (cursor.take(kAlloc)) {
    out.event.kind = TraceEvent::Kind::Alloc;
  } else if (cursor.take(kFree)) {
    out.event.kind = TraceEvent::Kind::Free;
  } else {
    return parse_other_event(head.rest, out);
  }
  out.event.time = head.time;
  out.event.cpu = head.cpu;
  return parse_event_fields(cursor.rest(), out);
}

}  // namespace fallow
