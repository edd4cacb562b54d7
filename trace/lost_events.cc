#include "trace/lost_events.h"

#include <array>

#include "trace/cursor.h"

namespace fallow::trace {
namespace {

LostStatement lost_or_none(std::uint64_t lost) {
  return lost == 0 ? LostStatement::NothingLost : LostStatement::Lost;
}

// Reads the brackets: "[LOST 12 EVENTS]" or "[12 EVENTS DROPPED]".
LostStatement read_brackets(Cursor cursor, std::uint64_t& lost) {
  if (cursor.take("[SUBBUFFER START]")) return LostStatement::NothingLost;
  if (!cursor.take('[')) return LostStatement::Unclear;
  const bool ftrace = cursor.take("LOST ");
  lost = 0;
  if (cursor.at_digit() && !(cursor.take_decimal(lost) && cursor.take(' '))) return LostStatement::Unclear;
  const bool whole = cursor.take(ftrace ? "EVENTS]" : "EVENTS DROPPED]") && cursor.done();
  return whole ? LostStatement::Lost : LostStatement::Unclear;
}

// Reads "CPU:1 [...]" at a word boundary. Reports brackets without their CPU as Unclear.
LostStatement read_marker(std::string_view line, std::uint64_t& lost) {
  constexpr std::string_view kCpu = "CPU:";
  for (auto at = line.find(kCpu); at != line.npos; at = line.find(kCpu, at + 1)) {
    if (at > 0 && !is_blank(line[at - 1])) continue;
    Cursor cursor(line.substr(at + kCpu.size()));
    std::uint64_t cpu = 0;
    if (!cursor.take_decimal(cpu) || !cursor.at_blank()) continue;
    cursor.skip_blanks();
    return read_brackets(cursor, lost);
  }
  const bool about_loss = line.find("[LOST ") != line.npos || line.find(" EVENTS DROPPED]") != line.npos;
  return about_loss ? LostStatement::Unclear : LostStatement::None;
}

// Reads "overrun: 12".
LostStatement read_statistics(Cursor cursor, std::uint64_t& lost) {
  constexpr std::array<std::string_view, 3> kNames{"overrun:", "commit overrun:", "dropped events:"};
  cursor.skip_blanks();
  for (const std::string_view name : kNames) {
    if (!cursor.take(name)) continue;
    cursor.skip_blanks();
    return cursor.take_decimal(lost) && cursor.done() ? lost_or_none(lost) : LostStatement::Unclear;
  }
  return LostStatement::None;
}

// Reads "CPU 1: 12 events lost 3 events lost due to commit overrun".
LostStatement read_closing_of_trace_cmd(Cursor cursor, std::uint64_t& lost) {
  std::uint64_t number = 0;
  if (!cursor.take("CPU ") || !cursor.take_decimal(number) || !cursor.take(": ")) return LostStatement::None;
  lost = 0;
  while (cursor.take_decimal(number) && cursor.take(" events lost")) {
    lost += number;
    cursor.take(" due to commit overrun");
    cursor.skip_blanks();
  }
  return lost > 0 && cursor.done() ? LostStatement::Lost : LostStatement::None;
}

// Reads "12.50%", in hundredths of a percent.
bool take_percent(Cursor& cursor, std::uint64_t& hundredths) {
  std::uint64_t whole = 0, fraction = 0;
  if (!cursor.take_decimal(whole) || !cursor.take('.') || !cursor.take_decimal(fraction)) return false;
  hundredths = whole * 100 + fraction;
  return whole <= 100 && fraction < 100 && cursor.take('%');
}

// Reads the closing warning of perf. The first form counts lost chunks, whose number of events is unknown.
// The second form gives only the share of lost samples.
LostStatement read_closing_of_perf(Cursor cursor, std::uint64_t& lost) {
  constexpr std::uint64_t kWhole = 10'000;
  std::uint64_t processed = 0, chunks = 0, hundredths = 0;
  if (!cursor.take("Processed ") || !cursor.take_decimal(processed)) return LostStatement::None;
  lost = 0;
  if (cursor.take(" events and lost "))
    return cursor.take_decimal(chunks) && cursor.take(" chunks!") ? LostStatement::Lost
                                                                  : LostStatement::Unclear;
  if (!cursor.take(" samples and lost ")) return LostStatement::None;
  if (!take_percent(cursor, hundredths)) return LostStatement::Unclear;
  lost = processed / kWhole * hundredths + processed % kWhole * hundredths / kWhole;
  return LostStatement::Lost;
}

}  // namespace

LostStatement read_lost_events(std::string_view line, std::uint64_t& lost) {
  for (const auto read : {read_statistics, read_closing_of_trace_cmd, read_closing_of_perf}) {
    const LostStatement statement = read(Cursor(line), lost);
    if (statement != LostStatement::None) return statement;
  }
  return read_marker(line, lost);
}

LostStatement read_lost_in_comment(std::string_view line, std::uint64_t& lost) {
  constexpr std::string_view kBuffer = "entries-in-buffer/entries-written:";
  Cursor cursor(line);
  cursor.skip_blanks();
  cursor.take('#');
  cursor.skip_blanks();
  if (cursor.take("latency: ")) {
    const std::size_t count = cursor.rest().find(" #");
    if (count == std::string_view::npos) return LostStatement::Unclear;
    cursor.at += count + 2;
  } else if (!cursor.take(kBuffer)) {
    return LostStatement::None;
  }
  cursor.skip_blanks();
  std::uint64_t left = 0, written = 0;
  if (!cursor.take_decimal(left) || !cursor.take('/') || !cursor.take_decimal(written) || left > written)
    return LostStatement::Unclear;
  lost = written - left;
  return lost_or_none(lost);
}

bool read_lost_record(std::string_view text, std::uint64_t& lost) {
  Cursor cursor(text);
  if (!cursor.take("PERF_RECORD_LOST lost ") && !cursor.take("PERF_RECORD_LOST_SAMPLES lost ")) return false;
  if (!cursor.take_decimal(lost)) lost = 0;
  return true;
}

}  // namespace fallow::trace
