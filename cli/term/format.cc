#include "cli/term/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fallow/base/detail/quantity.h"

namespace fallow::cli {

double to_mib(ByteCount b) { return static_cast<double>(b.raw) / (1024.0 * 1024.0); }
double to_mib(PfnCount n) { return to_mib(bytes(n)); }
double mib_of_kib(std::uint64_t kib) { return static_cast<double>(kib) / 1024; }
double to_seconds(Nanoseconds t) { return static_cast<double>(t.raw) * 1e-9; }

std::string format_mib(double mib) {
  const double size = std::abs(mib);
  const char* sign = mib < 0 ? "-" : "";
  if (size < 0.5 / 1024) return "0 MiB";
  if (size < 0.1) return fmt::format("{}{:.0f} KiB", sign, size * 1024);
  if (size < 9.95) return fmt::format("{}{:.1f} MiB", sign, size);
  if (size < 9999.5)
    return fmt::format("{}{} MiB", sign, format_count(static_cast<std::uint64_t>(std::llround(size))));
  const double gib = size / 1024;
  if (gib < 99.95) return fmt::format("{}{:.1f} GiB", sign, gib);
  if (gib < 9999.5)
    return fmt::format("{}{} GiB", sign, format_count(static_cast<std::uint64_t>(std::llround(gib))));
  return fmt::format("{}{:.1f} TiB", sign, gib / 1024);
}

std::string format_count(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string format_seconds(double seconds) {
  if (seconds < 0.5e-6) return "0 s";
  if (seconds < 0.9995e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 0.0995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 9.995) return fmt::format("{:.2f} s", seconds);
  if (seconds < 119.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 7200) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_percent(double ratio) {
  const double percent = ratio * 100;
  if (std::abs(percent) < 0.05) return "0 %";
  if (std::abs(percent) < 9.95) return fmt::format("{:.1f} %", percent);
  if (std::abs(percent) < 1000) return fmt::format("{:.0f} %", percent);
  return fmt::format("{:.0f} times", ratio);
}

std::string format_time(Nanoseconds time) {
  const detail::WholeTime whole = detail::whole_time(time);
  return fmt::format("{}{}", whole.count, whole.unit);
}

std::string format_counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text) {
    if (c >= ' ' && c <= '~')
      shown += c;
    else if (c == '\t')
      shown += ' ';
    else
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return shown;
}

std::string printable_columns(std::string_view text) {
  std::string plain(text);
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return plain;
}

std::string wrap(std::string_view text, std::size_t columns) {
  std::string lines;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (column > 0 && column + 1 + word.size() > columns) {
      lines += '\n';
      column = 0;
    }
    if (column > 0) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  if (column > 0) lines += '\n';
  return lines;
}

}  // namespace fallow::cli
