#include "trace/line_time.h"

#include "trace/cursor.h"

namespace fallow::trace {
namespace {

using Form = LineTime::Form;

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint64_t kSecondsEnd = kNever.raw / kNanosecondsPerSecond;

// Reads "12.345", in units of `unit` nanoseconds. The fraction has at least one digit. Digits below one
// nanosecond are not taken: at most nine for seconds, six for milliseconds.
bool take_fraction(Cursor& cursor, std::uint64_t unit, Nanoseconds& time) {
  std::uint64_t whole = 0;
  if (!cursor.take_decimal(whole) || whole >= kNever.raw / unit || !cursor.take('.')) return false;
  const std::uint64_t whole_unit = unit;
  std::uint64_t fraction = 0;
  for (; cursor.at_digit() && unit > 1; ++cursor.at) {
    unit /= 10;
    fraction = fraction * 10 + static_cast<std::uint64_t>(*cursor.at - '0');
  }
  if (unit == whole_unit) return false;
  time = Nanoseconds{whole * whole_unit + fraction * unit};
  return true;
}

bool is_seconds(std::string_view word, Nanoseconds& time) {
  static_assert(kSecondsEnd * kNanosecondsPerSecond <= kNever.raw);
  Cursor cursor(word);
  return take_fraction(cursor, kNanosecondsPerSecond, time) && cursor.take(':') && cursor.done();
}

// Matches "12us". With `with_mark`, a duration mark and a colon must follow; otherwise the word must end
// there.
bool is_microseconds(std::string_view word, bool with_mark, Nanoseconds& time) {
  constexpr std::uint64_t kUnit = 1000;
  constexpr std::string_view kMarks = "$@*#!+";
  Cursor cursor(word);
  std::uint64_t count = 0;
  if (!cursor.take_decimal(count) || count >= kNever.raw / kUnit || !cursor.take("us")) return false;
  time = Nanoseconds{count * kUnit};
  if (!with_mark) return cursor.done();
  if (cursor.done() || kMarks.find(*cursor.at) == kMarks.npos) return false;
  ++cursor.at;
  return cursor.take(':') && cursor.done();
}

bool is_milliseconds(std::string_view word, Nanoseconds& time) {
  constexpr std::uint64_t kUnit = 1'000'000;
  Cursor cursor(word);
  return take_fraction(cursor, kUnit, time) && cursor.take("ms") && cursor.done();
}

bool is_count(std::string_view word) {
  Cursor cursor(word);
  std::uint64_t count = 0;
  return cursor.take_decimal(count) && cursor.done();
}

// Reads "(+0.001ms):" or "(+7):" and the time before it.
LineTime with_difference(std::string_view word, std::string_view before) {
  constexpr std::string_view kEnd = "):";
  const std::string_view difference = word.substr(2, word.size() - 2 - kEnd.size());
  LineTime time{Form::None, {}, before};
  Nanoseconds unused{};
  const std::string_view own = take_last_word(time.before);
  if (is_milliseconds(difference, unused) && is_milliseconds(own, time.time)) {
    time.form = Form::Milliseconds;
  } else if (is_count(difference) && is_count(own)) {
    time.form = Form::Ticks;
  }
  return time;
}

}  // namespace

LineTime read_line_time(std::string_view before, std::string_view last) {
  LineTime time{Form::None, {}, before};
  if (!last.ends_with(':')) return time;
  if (is_seconds(last, time.time)) {
    time.form = Form::Seconds;
  } else if (is_microseconds(last, true, time.time)) {
    time.form = Form::Microseconds;
  } else if (is_count(last.substr(0, last.size() - 1))) {
    time.form = Form::Ticks;
  } else if (last == ":") {
    if (is_microseconds(take_last_word(time.before), false, time.time)) time.form = Form::Microseconds;
  } else if (last.starts_with("(+") && last.ends_with("):")) {
    return with_difference(last, time.before);
  }
  return time;
}

}  // namespace fallow::trace
