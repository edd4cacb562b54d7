// Parses numbers, sizes and times: the digits, the units and the overflow are checked here for the command
// line, the guest's kernel command line and the specification of a policy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/detail/string_ref.h"
#include "fallow/base/units.h"

namespace fallow::detail {

// A unit and what it multiplies by, less than 2^60.
struct QuantityUnit {
  StringRef name;  // in lower case, if the form takes either case
  std::uint64_t factor = 1;
};

// The units that a caller accepts, and the form of the number before them.
struct QuantityForm {
  std::span<const QuantityUnit> units;
  bool fractions = false;    // up to 12 digits after a point, as in "1.5s"; rounds down to the base unit
  bool either_case = false;  // units in upper and in lower case
};

// The units of a time, in nanoseconds, from the smallest to the largest.
inline constexpr QuantityUnit kTimeUnits[] = {
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"min", 60'000'000'000},
    {"h", 3'600'000'000'000},
};

constexpr bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

constexpr std::size_t count_digits(StringRef text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  return n;
}

// Appends one digit to `*number`. Returns false if the result is 2^64 or more.
constexpr bool append_digit(std::uint64_t* number, unsigned base, unsigned digit) {
  return !__builtin_mul_overflow(*number, std::uint64_t{base}, number) &&
         !__builtin_add_overflow(*number, std::uint64_t{digit}, number);
}

// Parses decimal digits only. Returns false, and leaves `*number` unspecified, if the text is empty, has
// another character, or the number is 2^64 or more.
constexpr bool parse_decimal(StringRef text, std::uint64_t* number) {
  *number = 0;
  for (const char c : text) {
    if (!is_digit(c) || !append_digit(number, 10, static_cast<unsigned>(c - '0'))) return false;
  }
  return !text.empty();
}

constexpr bool is_unit(StringRef text, StringRef name, bool either_case) {
  if (text.size() != name.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool upper = either_case && text[i] >= 'A' && text[i] <= 'Z';
    if ((upper ? static_cast<char>(text[i] - 'A' + 'a') : text[i]) != name[i]) return false;
  }
  return true;
}

// Returns 0.DIGITS * factor, rounded down. Works from the last digit to the first: the floor of a nested
// quotient is the floor of the whole.
constexpr std::uint64_t scale_fraction(StringRef digits, std::uint64_t factor) {
  std::uint64_t sum = 0;
  for (std::size_t i = digits.size(); i-- > 0;)
    sum = (static_cast<unsigned>(digits[i] - '0') * factor + sum) / 10;
  return sum;
}

// Parses a number and a unit. Returns false, and leaves `*value` unspecified, if the text does not have the
// form or the value is 2^64 or more.
constexpr bool parse_quantity(StringRef text, const QuantityForm& form, std::uint64_t* value) {
  constexpr std::size_t kMaxFraction = 12;
  const std::size_t whole = count_digits(text);
  StringRef rest = text.from(whole), fraction;
  if (form.fractions && rest.starts_with(".")) {
    const std::size_t digits = count_digits(rest.from(1));
    if (digits == 0 || digits > kMaxFraction) return false;
    fraction = rest.from(1).first(digits);
    rest = rest.from(1 + digits);
  }
  if (!parse_decimal(text.first(whole), value)) return false;
  for (const QuantityUnit& unit : form.units) {
    if (!is_unit(rest, unit.name, form.either_case)) continue;
    return !__builtin_mul_overflow(*value, unit.factor, value) &&
           !__builtin_add_overflow(*value, scale_fraction(fraction, unit.factor), value);
  }
  return false;
}

// Parses a time with any of the units and with a fraction, as in "1.5s".
constexpr bool parse_any_time(StringRef text, Nanoseconds* time) {
  return parse_quantity(text, {.units = kTimeUnits, .fractions = true, .either_case = true}, &time->raw);
}

// A time in the largest unit up to seconds that keeps it a whole number.
struct WholeTime {
  std::uint64_t count = 0;
  const char* unit = "";
};
constexpr WholeTime whole_time(Nanoseconds time) {
  constexpr std::size_t kSeconds = 3;
  std::size_t unit = kSeconds;
  while (time.raw % kTimeUnits[unit].factor != 0) --unit;
  return {time.raw / kTimeUnits[unit].factor, kTimeUnits[unit].name.data()};
}

}  // namespace fallow::detail
