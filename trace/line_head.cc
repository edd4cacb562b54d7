#include "trace/line_head.h"

#include <algorithm>
#include <cstring>

#include "trace/cursor.h"
#include "trace/event_name.h"
#include "trace/line_time.h"

namespace fallow::trace {
namespace {

using Found = LineHead::Found;
using Form = LineTime::Form;

constexpr std::size_t kFlagsMax = 8;  // Linux 6 prints five

bool take_cpu(Cursor& cursor, std::uint16_t& cpu) {
  std::uint64_t number = 0;
  if (!cursor.take_decimal(number) || number > UINT16_MAX) return false;
  cpu = static_cast<std::uint16_t>(number);
  return true;
}

// trace-cmd report -R prints "-0x1" directly after the CPU.
bool take_raw_flags(Cursor& cursor) {
  std::uint64_t flags = 0;
  return cursor.take("-0x") && cursor.take_hex(flags) && cursor.done();
}

// "[000]", "[000]-0x1".
bool is_cpu_in_brackets(std::string_view word, std::uint16_t& cpu) {
  Cursor cursor(word);
  return cursor.take('[') && take_cpu(cursor, cpu) && cursor.take(']') &&
         (cursor.done() || take_raw_flags(cursor));
}

// "0d..1." or "0-0x1", as in the latency formats.
bool is_cpu_with_flags(std::string_view word, std::uint16_t& cpu) {
  constexpr std::string_view kFlags = ".dDXbBnNpPlLhHzZsS#0123456789abcdef";
  Cursor cursor(word);
  if (!take_cpu(cursor, cpu)) return false;
  if (take_raw_flags(cursor)) return true;
  const std::string_view flags = cursor.rest();
  return flags.size() >= 3 && flags.size() <= kFlagsMax && flags.find_first_not_of(kFlags) == flags.npos;
}

// ftrace prints the interrupt and preemption state, and perf whether the CPU was in the kernel. Unlike a
// time, flags contain no colon.
bool is_flags(std::string_view word) { return word.size() <= kFlagsMax && word.find(':') == word.npos; }

// Matches a pid or "pid/tid".
bool is_task_number(std::string_view word) {
  return !word.empty() && is_digit(word.front()) && is_digit(word.back()) &&
         std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || c == '/'; });
}

bool is_number(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c); });
}

// "cc1-123"
bool ends_with_pid(std::string_view text) {
  const std::string_view word = take_last_word(text);
  const std::size_t digits = word.find_last_not_of("0123456789");
  return digits != word.npos && digits + 1 < word.size() && word[digits] == '-';
}

// perf script -F +tod: "2026-11-30 12:00:00.500300"
bool is_time_of_day(std::string_view date, std::string_view clock) {
  constexpr std::size_t kHours = 2, kMinutes = 5, kYear = 4, kMonth = 7, kDate = 10;
  return clock.size() > kMinutes && clock[kHours] == ':' && clock[kMinutes] == ':' && date.size() == kDate &&
         date[kYear] == '-' && date[kMonth] == '-';
}

// Reads "[000] d..1.", "[000]", "0d..1.", "123/124 0", "123", or nothing.
bool read_cpu(std::string_view text, LineHead& head) {
  head.has_task = true;
  std::string_view next = text;
  std::string_view last = take_last_word(next);
  head.before = next;
  if (is_cpu_in_brackets(last, head.cpu)) return true;
  std::string_view second = take_last_word(next);
  if (is_time_of_day(second, last)) {
    last = take_last_word(next);
    head.before = next;
    if (is_cpu_in_brackets(last, head.cpu)) return true;
    second = take_last_word(next);
  }
  if (is_flags(last) && is_cpu_in_brackets(second, head.cpu)) {
    head.before = next;
    return true;
  }
  if (is_cpu_with_flags(last, head.cpu)) return ends_with_pid(head.before);
  head.cpu = 0;
  head.has_task = !last.empty();
  if (!is_task_number(last)) return last.empty();
  Cursor cursor(last);
  if (is_task_number(second) && take_cpu(cursor, head.cpu) && cursor.done()) return true;
  head.cpu = 0;
  return true;
}

// Reads "0d..1." of ftrace.
bool read_latency_cpu(std::string_view text, LineHead& head) {
  head.before = text;
  head.has_task = true;
  return is_cpu_with_flags(take_last_word(head.before), head.cpu) && ends_with_pid(head.before);
}

// "123   0 1 00000001 00000012 [0007a120]": pid, CPU, flags, depth, place, microseconds.
bool read_verbose_cpu(std::string_view text, LineHead& head) {
  constexpr std::size_t kHexMin = 8;
  head.before = text;
  head.has_task = true;
  const std::string_view time = take_last_word(head.before);
  const std::string_view place = take_last_word(head.before), depth = take_last_word(head.before);
  const std::string_view flags = take_last_word(head.before), cpu = take_last_word(head.before);
  Cursor cursor(cpu);
  return time.starts_with('[') && time.ends_with(']') && place.size() >= kHexMin && depth.size() >= kHexMin &&
         is_number(flags) && take_cpu(cursor, head.cpu) && cursor.done() &&
         is_number(take_last_word(head.before));
}

LineHead head_of(const LineTime& time) {
  LineHead head;
  head.time = time.time;
  bool good = false;
  switch (time.form) {
    case Form::None:
      return head;
    case Form::Seconds:
      good = read_cpu(time.before, head);
      break;
    case Form::Microseconds:
      good = read_latency_cpu(time.before, head);
      break;
    case Form::Milliseconds:
      good = read_verbose_cpu(time.before, head);
      break;
    case Form::Ticks:
      good = read_cpu(time.before, head) || read_verbose_cpu(time.before, head);
      break;
  }
  // A number and a colon alone do not prove that the trace uses another clock.
  const bool ticks = time.form == Form::Ticks;
  if (good && (!ticks || head.has_task)) head.found = ticks ? Found::OtherClock : Found::Head;
  return head;
}

}  // namespace

LineHead read_line_head(std::string_view text) {
  for (auto word = take_last_word(text); !word.empty(); word = take_last_word(text))
    if (word.back() == ':' && !is_event_system(word)) return head_of(read_line_time(text, word));
  return {};
}

LineHead find_line_head(std::string_view line, std::string_view& rest, bool with_task) {
  for (auto colon = line.find(':'); colon != line.npos; colon = line.find(':', colon + 1)) {
    const std::size_t end = colon + 1;
    if (end < line.size() && !is_blank(line[end])) continue;
    std::string_view before = line.substr(0, end);
    const std::string_view word = take_last_word(before);
    const LineHead head = head_of(read_line_time(before, word));
    if (head.found != Found::Head || (with_task && !head.has_task)) continue;
    rest = line.substr(end);
    return head;
  }
  return {};
}

}  // namespace fallow::trace
