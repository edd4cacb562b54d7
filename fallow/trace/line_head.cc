#include "fallow/trace/line_head.h"

#include <algorithm>
#include <cstring>

#include "fallow/trace/cursor.h"

namespace fallow {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint64_t kSecondsEnd = kNever.raw / kNanosecondsPerSecond;
constexpr std::ptrdiff_t kFlagsMax = 8;  // Linux 6 prints five

// "1154.625902:", with one to nine digits in the fraction.
bool take_time(Cursor& cursor, Nanoseconds& time) {
  std::uint64_t whole = 0;
  if (!cursor.take_decimal(whole) || whole >= kSecondsEnd || !cursor.take('.')) return false;
  std::uint64_t fraction = 0;
  std::uint64_t unit = kNanosecondsPerSecond;
  for (; cursor.at_digit() && unit > 1; ++cursor.at) {
    unit /= 10;
    fraction = fraction * 10 + static_cast<std::uint64_t>(*cursor.at - '0');
  }
  if (unit == kNanosecondsPerSecond || !cursor.take(':')) return false;
  time = Nanoseconds{whole * kNanosecondsPerSecond + fraction * unit};
  return true;
}

// perf can put the period between the time and the name: a number.
std::string_view from_name_on(Cursor cursor) {
  cursor.skip_blanks();
  if (cursor.at_digit()) {
    Cursor after = cursor;
    std::uint64_t period = 0;
    if (after.take_decimal(period) && after.at_blank()) {
      after.skip_blanks();
      return after.rest();
    }
  }
  return cursor.rest();
}

bool take_head(Cursor cursor, LineHead& head) {
  std::uint64_t cpu = 0;
  if (!cursor.take('[') || !cursor.take_decimal(cpu) || cpu > UINT16_MAX || !cursor.take(']')) return false;
  if (!cursor.at_blank()) return false;
  cursor.skip_blanks();
  if (!cursor.at_digit()) {
    const char* const flags = cursor.at;
    cursor.skip_word();
    if (cursor.at - flags > kFlagsMax) return false;
    cursor.skip_blanks();
  }
  if (!take_time(cursor, head.time)) return false;
  head.cpu = static_cast<std::uint16_t>(cpu);
  head.rest = from_name_on(cursor);
  return true;
}

// A pid, or "pid/tid".
bool is_task_number(std::string_view word) {
  return !word.empty() && is_digit(word.front()) && is_digit(word.back()) &&
         std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || c == '/'; });
}

}  // namespace

bool find_line_head(std::string_view line, LineHead& head) {
  Cursor cursor(line);
  while (!cursor.done()) {
    const void* bracket = std::memchr(cursor.at, '[', static_cast<std::size_t>(cursor.end - cursor.at));
    if (bracket == nullptr) return false;
    cursor.at = static_cast<const char*>(bracket);
    if (take_head(cursor, head)) return true;
    ++cursor.at;
  }
  return false;
}

bool find_line_head_without_cpu(std::string_view line, LineHead& head) {
  Cursor cursor(line);
  cursor.skip_blanks();
  bool time_may_follow = true;
  while (!cursor.done()) {
    Cursor after = cursor;
    if (time_may_follow && take_time(after, head.time)) {
      head.cpu = 0;
      head.rest = from_name_on(after);
      return true;
    }
    const char* const word = cursor.at;
    cursor.skip_word();
    time_may_follow = is_task_number({word, static_cast<std::size_t>(cursor.at - word)});
    cursor.skip_blanks();
  }
  return false;
}

}  // namespace fallow
