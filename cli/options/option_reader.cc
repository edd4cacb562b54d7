#include "cli/options/option_reader.h"

#include "cli/term/format.h"
#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

// Formats a limit with hours where possible: "24h", not "86400s".
std::string limit(Nanoseconds time) {
  constexpr std::uint64_t kHour = 3'600'000'000'000;
  if (time.raw == 0) return "0";
  return time.raw % kHour == 0 ? fmt::format("{}h", time.raw / kHour) : format_time(time);
}

}  // namespace

std::string either(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 < names.size() ? ", " : " or ";
    list += names[i];
  }
  return list;
}

std::uint32_t OptionReader::count(const char* option, const std::optional<std::string>& word,
                                  std::uint32_t otherwise, std::uint32_t least, std::uint32_t most) {
  if (!word) return otherwise;
  const auto count = parse_count(*word);
  if (!count || *count < least || *count > most) {
    refuse(option, *word, fmt::format("a whole number from {} to {}", least, most));
    return otherwise;
  }
  return static_cast<std::uint32_t>(*count);
}

std::optional<Nanoseconds> OptionReader::time(const char* option, const std::optional<std::string>& word,
                                              Nanoseconds least, Nanoseconds most, const char* example) {
  if (!word) return {};
  const auto time = parse_time(*word);
  if (!time || *time < least || *time > most)
    refuse(option, *word,
           fmt::format("a time with a unit, from {} to {}, such as {}", limit(least), limit(most), example));
  return time;
}

void OptionReader::file(const char* option, const std::optional<std::string>& word) {
  if (word && word->empty()) refuse(option, *word, "a file, or - for standard output");
}

}  // namespace fallow::cli
