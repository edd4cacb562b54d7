#include "trace/line_parser.h"

#include <optional>
#include <utility>

#include "trace/cursor.h"
#include "trace/event_fields.h"
#include "trace/event_name.h"
#include "trace/line_head.h"
#include "trace/non_event_line.h"

namespace fallow::trace {
namespace {

LineKind damaged(ParsedLine& out, std::string reason) {
  out.reason = std::move(reason);
  return LineKind::Damaged;
}

// Matches "# ...", but not "#name-123 ...", which is a valid task name.
bool is_comment(std::string_view line) {
  Cursor cursor(line);
  cursor.skip_blanks();
  return cursor.take('#') && (cursor.done() || cursor.at_blank() || *cursor.at == '#');
}

// A line that lost its end, run together with the next line: "cc1-1 [000] 7.1: mm_pacc1-1 [000] 7.2:
// mm_page_free: ...".
bool is_two_lines(const LineHead& head) {
  if (head.before.find(':') == head.before.npos) return false;
  std::string_view rest;
  return find_line_head(head.before, rest, true).found == LineHead::Found::Head;
}

LineKind parse_named_comment(std::string_view line, const EventName& name, ParsedLine& out) {
  if (has_event_fields(line.substr(name.begin))) return damaged(out, "a page event inside a comment");
  return parse_comment(line, out);
}

LineKind parse_event(std::string_view line, const EventName& name, const LineHead& head, PageShift page,
                     ParsedLine& out) {
  if (head.before.find('#') != head.before.npos && is_comment(line))
    return parse_named_comment(line, name, out);
  if (is_two_lines(head)) return damaged(out, "two lines run together");
  out.event.kind = name.kind;
  out.event.time = head.time;
  out.event.cpu = head.cpu;
  return parse_event_fields(line.substr(name.end), page, out);
}

// The line contains the name of a page event, but not in the position of an event name.
LineKind parse_misplaced_name(std::string_view line, const EventName& name, LineHead::Found found,
                              ParsedLine& out) {
  if (is_comment(line)) return parse_named_comment(line, name, out);
  std::string_view rest;
  const bool other_event = find_line_head(line, rest).found == LineHead::Found::Head;
  const bool fields = has_event_fields(line.substr(name.begin));
  // The name is a command called "mm_page_free:" in the fields of another event.
  if (other_event && !fields) return parse_other_event(rest, out);
  if (!fields && !name.whole) return parse_non_event_line(line, out);
  if (found == LineHead::Found::OtherClock)
    return damaged(out,
                   "the time is in ticks of the clock x86-tsc or counter; expected seconds. Record with "
                   "trace-cmd record -C mono, or: echo mono > /sys/kernel/tracing/trace_clock "
                   "(and do not use trace-cmd report --raw-ts)");
  if (other_event) return damaged(out, "a page event inside another event, or two lines run together");
  return damaged(out, "expected \"[cpu] seconds.fraction:\" before the event name");
}

}  // namespace

LineKind parse_line(std::string_view line, PageShift page, ParsedLine& out) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.find('\0') != line.npos) return damaged(out, "a NUL byte in the line");
  EventName name;
  if (!find_event_name(line, 0, name))
    return is_comment(line) ? parse_comment(line, out) : parse_non_event_line(line, out);
  const EventName first = name;
  auto found = LineHead::Found::None;
  do {
    if (!name.whole) continue;
    const LineHead head = read_line_head(line.substr(0, name.begin));
    if (head.found == LineHead::Found::Head) return parse_event(line, name, head, page, out);
    if (head.found == LineHead::Found::OtherClock) found = head.found;
  } while (find_event_name(line, name.end, name));
  return parse_misplaced_name(line, first, found, out);
}

}  // namespace fallow::trace
