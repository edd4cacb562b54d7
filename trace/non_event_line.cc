#include "trace/non_event_line.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <utility>

#include "trace/cursor.h"
#include "trace/event_fields.h"
#include "trace/event_name.h"
#include "trace/excerpt.h"
#include "trace/line_head.h"
#include "trace/lost_events.h"

namespace fallow::trace {
namespace {

constexpr std::ptrdiff_t kBareAddressMin = 8;

LineKind damaged(ParsedLine& out, std::string reason) {
  out.reason = std::move(reason);
  return LineKind::Damaged;
}

// Matches the headers that trace-cmd report prints before the events (after the name of an input if there are
// several) and those of atrace.
bool is_header(std::string_view line) {
  constexpr std::array<std::string_view, 5> kHeaders{
      "TRACE:", "capturing trace... done", "Warning:", "Check IO/CPU overload!", "Kernel buffer statistics:"};
  for (const std::string_view header : kHeaders)
    if (line == header) return true;
  std::uint64_t number = 0;
  std::string_view before = line;
  Cursor last(take_last_word(before));
  if (last.take("cpus=")) return last.take_decimal(number) && last.done();
  Cursor cursor(line);
  if (cursor.take("version = ")) return cursor.take_decimal(number) && cursor.done();
  return cursor.take("CPU ") && cursor.take_decimal(number) && cursor.take(" is empty") && cursor.done();
}

// Source lines of perf: "  page_alloc.c:5590", "|5590     \tpage = ..."
bool is_source_line(Cursor cursor, bool indented) {
  std::uint64_t number = 0;
  if (!indented) return cursor.take('|') && cursor.take_decimal(number) && cursor.at_blank();
  const std::string_view word = cursor.take_word();
  Cursor place(word);
  const std::size_t colon = word.rfind(':');
  if (colon == word.npos || colon == 0) return false;
  place.at += colon + 1;
  return cursor.done() && place.take_decimal(number) && place.done();
}

// perf:      "\tffffffff8125b0c9 __alloc_pages+0x1d9 ([kernel.kallsyms])", "        main (inlined)"
// ftrace:    " => __alloc_pages", "=> <00007f3e>"
// trace-cmd: "=> __alloc_pages (ffffffff8125b0c9)"
bool is_call_chain(Cursor cursor) {
  const bool indented = cursor.at_blank();
  cursor.skip_blanks();
  if (cursor.take("=> ") || is_source_line(cursor, indented)) return true;
  if (!indented) return false;
  if (cursor.rest().ends_with("(inlined)")) return true;
  // "dd  6429 [0" is a truncated event line. An address either has a symbol after it or is long.
  const char* const start = cursor.at;
  std::uint64_t address = 0;
  if (!cursor.take_hex(address)) return false;
  if (cursor.done()) return cursor.at - start >= kBareAddressMin;
  if (!cursor.at_blank()) return false;
  cursor.skip_blanks();
  return !cursor.done() && !cursor.at_digit();
}

// Matches "cc1-123 [000] d..1. 1154.6" or "cc1-123 [00": the CPU, then at most the flags and a part of the
// time.
bool is_cut_off_head(std::string_view line) {
  constexpr int kWordsMax = 2;
  std::string_view before = line;
  for (int words = 0; words <= kWordsMax; ++words) {
    Cursor cpu(take_last_word(before));
    std::uint64_t number = 0;
    if (!cpu.take('[') || (!cpu.done() && !cpu.take_decimal(number))) continue;
    if (!cpu.done() && !(cpu.take(']') && cpu.done())) continue;
    const std::string_view task = take_last_word(before);
    return !task.empty() && is_digit(task.back());
  }
  return false;
}

// Returns whether no name of another event precedes the fields. Then the name of the page event is missing.
bool lacks_name(std::string_view text) {
  if (!has_event_fields(text)) return false;
  Cursor cursor(text);
  for (cursor.skip_blanks(); !cursor.done(); cursor.skip_blanks()) {
    const std::string_view word = cursor.take_word();
    if (word.starts_with("pfn=") || word.starts_with("order=")) return true;
    if (word.ends_with(':') && !is_event_system(word)) return false;
  }
  return false;
}

bool has_colon_word(std::string_view text) {
  Cursor cursor(text);
  for (cursor.skip_blanks(); !cursor.done(); cursor.skip_blanks())
    if (cursor.take_word().ends_with(':')) return true;
  return false;
}

// Returns whether the text ends with a partial name ("mm_page_all") or is empty. Such a line was cut off
// inside an event name and may have been a page event.
bool is_cut_off_name(std::string_view text) {
  std::string_view before = text;
  const std::string_view last = take_last_word(before);
  if (last.empty()) return true;
  return is_event_name_prefix(last) && !has_colon_word(before);
}

}  // namespace

LineKind parse_other_event(std::string_view text, ParsedLine& out) {
  if (is_cut_off_name(text)) return damaged(out, "the line is cut off inside the event name");
  if (lacks_name(text)) return damaged(out, "expected an event name before the fields of a page event");
  Cursor cursor(text);
  cursor.skip_blanks();
  if (read_lost_record(cursor.rest(), out.lost)) return LineKind::Lost;
  // "mm_pacc1-1 [000] 7.2: kfree: ..."
  std::string_view rest;
  const std::string_view word = cursor.take_word();
  if (word.starts_with("mm_pa") && !word.ends_with(':') &&
      find_line_head(text, rest, true).found == LineHead::Found::Head)
    return damaged(out, "two lines run together");
  return LineKind::Other;
}

LineKind parse_non_event_line(std::string_view line, ParsedLine& out) {
  std::string_view rest;
  if (find_line_head(line, rest).found == LineHead::Found::Head) return parse_other_event(rest, out);
  switch (read_lost_events(line, out.lost)) {
    case LostStatement::None:
      break;
    case LostStatement::Lost:
      return LineKind::Lost;
    case LostStatement::NothingLost:
      return LineKind::Other;
    case LostStatement::Unclear:
      return damaged(out, fmt::format("cannot read how many events were lost: \"{}\"", excerpt(line)));
  }
  if (is_header(line)) return LineKind::Other;
  if (has_event_fields(line)) return damaged(out, "the fields of a page event without its time and name");
  if (is_call_chain(Cursor(line))) return LineKind::Other;
  Cursor cursor(line);
  cursor.skip_blanks();
  if (cursor.done()) return LineKind::Other;
  if (is_cut_off_head(line)) return damaged(out, "the line is cut off before the event name");
  out.reason = fmt::format("not output of ftrace, trace-cmd report or perf script: \"{}\"", excerpt(line));
  return LineKind::Odd;
}

LineKind parse_comment(std::string_view line, ParsedLine& out) {
  switch (read_lost_in_comment(line, out.lost)) {
    case LostStatement::Lost:
      return LineKind::Lost;
    case LostStatement::Unclear:
      return damaged(out, fmt::format("cannot read how many events were lost: \"{}\"", excerpt(line)));
    default:
      break;
  }
  if (has_event_fields(line)) return damaged(out, "the fields of a page event inside a comment");
  return LineKind::Other;
}

}  // namespace fallow::trace
