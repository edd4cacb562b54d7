#include "cli/term/parse.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>
#include <string>

namespace fallow::cli {
namespace {

struct Unit {
  std::string_view name;  // in lower case
  std::uint64_t factor;
};

constexpr std::uint64_t kKibi = 1024;
constexpr Unit kSizeUnits[] = {
    {"", 1},
    {"b", 1},
    {"k", kKibi},
    {"kb", kKibi},
    {"kib", kKibi},
    {"m", kKibi* kKibi},
    {"mb", kKibi* kKibi},
    {"mib", kKibi* kKibi},
    {"g", kKibi* kKibi* kKibi},
    {"gb", kKibi* kKibi* kKibi},
    {"gib", kKibi* kKibi* kKibi},
    {"t", kKibi* kKibi* kKibi* kKibi},
    {"tb", kKibi* kKibi* kKibi* kKibi},
    {"tib", kKibi* kKibi* kKibi* kKibi},
};

constexpr Unit kTimeUnits[] = {
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"min", 60'000'000'000},
    {"h", 3'600'000'000'000},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

// Uses integers, because a double is not exact: 1.1T has 13 digits in bytes, 584 years 20 in nanoseconds.
std::optional<std::uint64_t> parse_scaled(std::string_view text, std::span<const Unit> units) {
  constexpr std::size_t kMaxFraction = 12;
  const auto number_end =
      std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
  const std::string_view number = text.substr(0, static_cast<std::size_t>(number_end - text.begin()));
  const std::string unit_name = lower_case(text.substr(number.size()));
  const auto unit =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == unit_name; });
  if (unit == units.end()) return {};

  const std::size_t point = std::min(number.find('.'), number.size());
  const std::string_view fraction = number.substr(std::min(point + 1, number.size()));
  const bool ends_in_point = point + 1 == number.size();
  if (fraction.find('.') != std::string_view::npos || fraction.size() > kMaxFraction || ends_in_point)
    return {};
  const std::optional<std::uint64_t> whole = parse_count(number.substr(0, point));
  if (!whole) return {};

  __extension__ using Wide = unsigned __int128;
  Wide value = static_cast<Wide>(*whole) * unit->factor;
  if (!fraction.empty()) {
    const std::optional<std::uint64_t> parts = parse_count(fraction);
    if (!parts) return {};
    std::uint64_t parts_of = 1;
    for (std::size_t i = 0; i < fraction.size(); ++i) parts_of *= 10;
    value += static_cast<Wide>(*parts) * unit->factor / parts_of;
  }
  if (value > std::numeric_limits<std::uint64_t>::max()) return {};
  return static_cast<std::uint64_t>(value);
}

}  // namespace

std::optional<ByteCount> parse_size(std::string_view text) {
  const std::optional<std::uint64_t> size = parse_scaled(text, kSizeUnits);
  if (!size) return {};
  return ByteCount{*size};
}

std::optional<Nanoseconds> parse_time(std::string_view text) {
  if (text == "0") return Nanoseconds{};
  const std::optional<std::uint64_t> time = parse_scaled(text, kTimeUnits);
  if (!time) return {};
  return Nanoseconds{*time};
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return count;
}

std::optional<double> parse_positive(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  if (!std::isfinite(number) || number <= 0) return {};
  return number;
}

}  // namespace fallow::cli
