#include "fallow/trace/other_line.h"

#include <cstddef>

#include "fallow/trace/cursor.h"

namespace fallow {
namespace {

constexpr std::ptrdiff_t kBareAddressMin = 8;

bool take_lost_marker(Cursor cursor, std::uint64_t& lost) {
  std::uint64_t cpu = 0;
  if (!cursor.take("CPU:") || !cursor.take_decimal(cpu) || !cursor.take(" [")) return false;
  lost = 0;
  const bool ftrace = cursor.take("LOST ");
  if (cursor.take_decimal(lost) && !cursor.take(' ')) return false;
  return cursor.take(ftrace ? "EVENTS]" : "EVENTS DROPPED]") && cursor.done();
}

// What trace-cmd report prints before the events.
bool is_header(Cursor cursor) {
  std::uint64_t number = 0;
  if (cursor.take("cpus=") || cursor.take("version = ")) return cursor.take_decimal(number) && cursor.done();
  return cursor.take("CPU ") && cursor.take_decimal(number) && cursor.take(" is empty") && cursor.done();
}

// perf:      "\tffffffff8125b0c9 __alloc_pages+0x1d9 ([kernel.kallsyms])", "        main (inlined)"
// ftrace:    " => __alloc_pages", "=> <00007f3e>"
// trace-cmd: "=> __alloc_pages (ffffffff8125b0c9)"
bool is_call_chain(Cursor cursor) {
  const bool indented = cursor.at_blank();
  cursor.skip_blanks();
  if (cursor.take("=> ")) return true;
  if (!indented) return false;
  if (cursor.rest().ends_with("(inlined)")) return true;
  // "dd  6429 [0" is an event's line, cut off: an address has a symbol after it, or else is long.
  const char* const start = cursor.at;
  std::uint64_t address = 0;
  if (!cursor.take_hex(address)) return false;
  if (cursor.done()) return cursor.at - start >= kBareAddressMin;
  if (!cursor.at_blank()) return false;
  cursor.skip_blanks();
  return !cursor.done() && !cursor.at_digit();
}

}  // namespace

LineKind parse_other_line(std::string_view line, ParsedLine& out) {
  Cursor cursor(line);
  if (take_lost_marker(cursor, out.lost)) return LineKind::Lost;
  if (is_header(cursor)) return LineKind::Other;
  if (names_page_event(line)) return LineKind::Damaged;
  if (is_call_chain(cursor)) return LineKind::Other;
  cursor.skip_blanks();
  return cursor.done() || *cursor.at == '#' ? LineKind::Other : LineKind::Damaged;
}

bool names_page_event(std::string_view text) {
  constexpr std::string_view kPrefix = "mm_page_";
  for (auto at = text.find(kPrefix); at != text.npos; at = text.find(kPrefix, at + 1)) {
    const std::string_view name = text.substr(at + kPrefix.size());
    const bool word = at == 0 || text[at - 1] == ' ' || text[at - 1] == ':';
    if (word && (name.starts_with("alloc:") || name.starts_with("free:"))) return true;
  }
  return false;
}

}  // namespace fallow
