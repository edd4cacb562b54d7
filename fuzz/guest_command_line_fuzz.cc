// Fuzzes the kernel command line. Without an error, every number is within the range that an error message
// would name, numbers with units match a computation in wider arithmetic, and all blanks are equivalent.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "fallow/base/check.h"
#include "guest/protocol/command_line.h"

namespace fallow::guest {
namespace {

using Wide = unsigned __int128;

std::string_view view(StringRef text) { return {text.data(), text.size()}; }
bool within(StringRef part, std::string_view line) {
  return part.begin() >= line.data() && part.end() <= line.data() + line.size();
}
template <class T>
bool between(T least, T value, T most) {
  return least <= value && value <= most;
}

void check_options(const Options& o) {
  FALLOW_CHECK(o.workload <= WorkloadKind::Trace && o.policy.kind <= PolicyKind::None &&
               o.order <= kMaxOrder);
  FALLOW_CHECK(between(milliseconds(1), o.policy.age, seconds(24 * 60 * 60)));
  FALLOW_CHECK(between(1u, o.policy.threshold, 1'000'000'000u));
  FALLOW_CHECK(between(seconds(1), o.duration, seconds(86400)) && o.duration.raw % 1'000'000'000 == 0);
  FALLOW_CHECK(o.fill.raw % kFrameSize == 0);
  FALLOW_CHECK(o.hold <= seconds(60 * 60));
  FALLOW_CHECK(between(1u, o.capacity, 1024u) && between(1u, o.in_flight, 256u));
  FALLOW_CHECK(between(milliseconds(1), o.sample, seconds(60 * 60)));
  FALLOW_CHECK(o.mmio_count <= Options::kMostMmio);
  for (std::size_t i = 0; i < o.mmio_count; ++i) {
    const MmioDevice& device = o.mmio[i];
    FALLOW_CHECK(device.size.raw != 0 && device.base.raw <= ~std::uint64_t{0} - device.size.raw);
    FALLOW_CHECK(device.interrupt <= 255);
  }
}

bool same(const Options& a, const Options& b) {
  bool mmio = a.mmio_count == b.mmio_count;
  for (std::size_t i = 0; mmio && i < a.mmio_count; ++i) {
    mmio = a.mmio[i].base == b.mmio[i].base && a.mmio[i].size == b.mmio[i].size &&
           a.mmio[i].interrupt == b.mmio[i].interrupt;
  }
  return mmio && a.workload == b.workload && a.workload_word == b.workload_word && a.policy == b.policy &&
         a.policy_word == b.policy_word && a.order == b.order && a.duration == b.duration &&
         a.seed == b.seed && a.fill == b.fill && a.hold == b.hold && a.capacity == b.capacity &&
         a.in_flight == b.in_flight && a.sample == b.sample;
}

void check_line(const std::string& line) {
  const CommandLine parsed = parse_command_line(line);
  FALLOW_CHECK(!parsed.error.full());
  if (parsed.error.empty()) check_options(parsed.options);
  FALLOW_CHECK(parsed.unknown_count <= CommandLine::kMostUnknown);
  for (std::size_t i = 0; i < parsed.unknown_count; ++i) {
    const StringRef word = parsed.unknown[i];
    FALLOW_CHECK(!word.empty() && within(word, line));
    FALLOW_CHECK(view(word).find_first_of(" \t\r\n") == std::string_view::npos);
    FALLOW_CHECK(has_word(line, word));
  }

  std::string other = " " + line + "\n\t";
  for (char& c : other) c = c == ' ' ? '\t' : c == '\r' ? '\n' : c;
  const CommandLine again = parse_command_line(other);
  FALLOW_CHECK(again.error.text() == parsed.error.text() && again.unknown_count == parsed.unknown_count);
  FALLOW_CHECK(same(again.options, parsed.options));
}

// Returns the value of decimal digits with a unit, or more than 64 bits if `text` is not a number.
struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kSizes[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
constexpr Unit kTimes[] = {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
constexpr Wide kNothing = ~Wide{0};

template <std::size_t n>
Wide wide(std::string_view text, const Unit (&units)[n]) {
  std::size_t digits = 0;
  Wide number = 0;
  for (; digits < text.size() && between('0', text[digits], '9'); ++digits) {
    number = number * 10 + static_cast<unsigned>(text[digits] - '0');
    if (number >> 64 != 0) return kNothing;
  }
  for (const Unit& unit : units) {
    if (digits != 0 && text.substr(digits) == unit.name) return number * unit.factor;
  }
  return kNothing;
}

void check_word(std::string_view word) {
  const auto agree = [](bool read, std::uint64_t number, Wide expected) {
    FALLOW_CHECK(read == (expected >> 64 == 0));
    FALLOW_CHECK(!read || number == expected);
  };
  ByteCount size;
  const bool is_size = parse_size(word, &size);
  agree(is_size, size.raw, wide(word, kSizes));
  Nanoseconds time;
  const bool is_time = parse_time(word, &time);
  agree(is_time, time.raw, wide(word, kTimes));
  std::uint64_t number = 0;
  const bool is_number = parse_number(word, &number);
  if (!word.starts_with("0x")) agree(is_number, number, wide(word, {kSizes[0]}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string line(reinterpret_cast<const char*>(data), size);
  check_line(line);
  for (std::size_t begin = 0; begin < line.size();) {
    const std::size_t end = std::min(line.find_first_of(" =:@", begin), line.size());
    check_word(std::string_view(line).substr(begin, end - begin));
    begin = end + 1;
  }
  return 0;
}

}  // namespace fallow::guest
