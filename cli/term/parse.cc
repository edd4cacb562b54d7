#include "cli/term/parse.h"

#include <charconv>
#include <cmath>
#include <system_error>

#include "fallow/base/detail/quantity.h"

namespace fallow::cli {
namespace {

constexpr std::uint64_t kKibi = 1024;
constexpr detail::QuantityUnit kSizeUnits[] = {
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

}  // namespace

std::optional<ByteCount> parse_size(std::string_view text) {
  ByteCount size;
  if (!detail::parse_quantity(text, {.units = kSizeUnits, .fractions = true, .either_case = true}, &size.raw))
    return {};
  return size;
}

std::optional<Nanoseconds> parse_time(std::string_view text) {
  if (text == "0") return Nanoseconds{};
  Nanoseconds time;
  if (!detail::parse_any_time(text, &time)) return {};
  return time;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  if (!detail::parse_decimal(text, &count)) return {};
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
