#include "guest/protocol/command_line.h"

#include <span>

namespace fallow::guest {
namespace {

constexpr bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr std::size_t digits_in(StringRef text) {
  std::size_t n = 0;
  while (n < text.size() && text[n] >= '0' && text[n] <= '9') ++n;
  return n;
}

constexpr bool append_digit(std::uint64_t* n, unsigned base, unsigned digit) {
  return !__builtin_mul_overflow(*n, std::uint64_t{base}, n) &&
         !__builtin_add_overflow(*n, std::uint64_t{digit}, n);
}

bool parse_decimal(StringRef text, std::uint64_t* number) {
  if (text.empty() || digits_in(text) != text.size()) return false;
  *number = 0;
  for (const char c : text) {
    if (!append_digit(number, 10, static_cast<unsigned>(c - '0'))) return false;
  }
  return true;
}

struct Unit {
  StringRef name;
  std::uint64_t factor;
};

template <std::size_t n>
bool parse_with_unit(StringRef text, const Unit (&units)[n], std::uint64_t* number) {
  const std::size_t digits = digits_in(text);
  std::uint64_t count = 0;
  if (!parse_decimal(text.first(digits), &count)) return false;
  for (const Unit& unit : units) {
    if (text.from(digits) == unit.name) return !__builtin_mul_overflow(count, unit.factor, number);
  }
  return false;
}

template <class Number>
bool parse_within(StringRef text, std::uint64_t least, std::uint64_t most, Number* number) {
  std::uint64_t n = 0;
  if (!parse_number(text, &n) || n < least || n > most) return false;
  *number = static_cast<Number>(n);
  return true;
}

bool parse_time_within(StringRef text, Nanoseconds least, Nanoseconds most, Nanoseconds* time) {
  Nanoseconds t;
  if (!parse_time(text, &t) || t < least || t > most) return false;
  *time = t;
  return true;
}

bool read_workload(StringRef value, Options& o) {
  for (const auto& [name, kind] : kWorkloadNames) {
    if (!(value == name)) continue;
    o.workload = kind;
    o.workload_word = value;
    return true;
  }
  return false;
}

bool read_policy(StringRef value, Options& o) {
  const std::size_t colon = value.find(':');
  const StringRef name = value.first(colon), parameter = value.from(colon).from(1);
  const bool bare = colon == StringRef::kNone;
  o.policy_word = value;
  if (name == "aged") {
    o.policy = PolicyKind::Aged;
    return bare || parse_time_within(parameter, milliseconds(1), seconds(24 * 60 * 60), &o.age);
  }
  if (name == "hwm") {
    o.policy = PolicyKind::Hwm;
    return bare || parse_within(parameter, 1, 1'000'000'000, &o.threshold);
  }
  if (!bare) return false;
  if (name == "linux") o.policy = PolicyKind::Linux;
  if (name == "none") o.policy = PolicyKind::None;
  return name == "linux" || name == "none";
}

bool read_duration(StringRef value, Options& o) {
  std::uint64_t s = 0;
  if (!parse_within(value, 1, 24 * 60 * 60, &s)) return false;
  o.duration = seconds(s);
  return true;
}

bool read_fill(StringRef value, Options& o) {
  return parse_size(value, &o.fill) && o.fill.raw >= kFrameSize && o.fill.raw % kFrameSize == 0;
}

// Parses SIZE@BASE:INTERRUPT. Text after another colon is ignored.
bool read_mmio(StringRef value, Options& o) {
  const std::size_t at = value.find('@');
  if (at == StringRef::kNone || o.mmio_count == Options::kMostMmio) return false;
  const StringRef address = value.from(at + 1);
  const std::size_t colon = address.find(':');
  if (colon == StringRef::kNone) return false;
  const StringRef rest = address.from(colon + 1);
  MmioDevice& device = o.mmio[o.mmio_count];
  if (!parse_size(value.first(at), &device.size) || device.size.raw == 0) return false;
  if (!parse_number(address.first(colon), &device.base.raw)) return false;
  if (device.base.raw > ~std::uint64_t{0} - device.size.raw) return false;
  if (!parse_within(rest.first(rest.find(':')), 0, 255, &device.interrupt)) return false;
  ++o.mmio_count;
  return true;
}

struct Key {
  StringRef name;
  bool (*read)(StringRef value, Options& options);
  StringRef expected;
};

constexpr Key kKeys[] = {
    {"workload", read_workload, "one of fill, churn, random, fragment, idle, rebind, trace"},
    {"policy", read_policy, "aged:100ms (1ms to 24 h), hwm, hwm:64, linux or none"},
    {"order", [](StringRef v, Options& o) { return parse_within(v, 0, kMaxOrder.raw, &o.order.raw); },
     "0 to 10"},
    {"seconds", read_duration, "1 to 86400"},
    {"seed", [](StringRef v, Options& o) { return parse_number(v, &o.seed); }, "a number"},
    {"fill", read_fill, "a size in whole pages, for example 1200M"},
    {"hold", [](StringRef v, Options& o) { return parse_time_within(v, {}, seconds(60 * 60), &o.hold); },
     "a time up to an hour, for example 300ms"},
    {"capacity", [](StringRef v, Options& o) { return parse_within(v, 1, 1024, &o.capacity); }, "1 to 1024"},
    {"in_flight", [](StringRef v, Options& o) { return parse_within(v, 1, 256, &o.in_flight); }, "1 to 256"},
    {"sample",
     [](StringRef v, Options& o) {
       return parse_time_within(v, milliseconds(1), seconds(60 * 60), &o.sample);
     },
     "a time from 1ms to an hour"},
    {"virtio_mmio.device", read_mmio, "SIZE@ADDRESS:INTERRUPT, at most 32 times"},
};

// Keys that guest/x86 reads itself with has_word().
constexpr StringRef kMachineKeys[] = {"exit", "panic", "entropy"};

bool is_machine_key(StringRef name) {
  for (const StringRef each : kMachineKeys) {
    if (each == name) return true;
  }
  return false;
}

const Key* key_of(StringRef name) {
  for (const Key& key : kKeys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

}  // namespace

StringRef next_word(StringRef& line) {
  std::size_t begin = 0;
  while (begin < line.size() && blank(line[begin])) ++begin;
  std::size_t end = begin;
  while (end < line.size() && !blank(line[end])) ++end;
  const StringRef word = line.from(begin).first(end - begin);
  line = line.from(end);
  return word;
}

bool has_word(StringRef line, StringRef word) {
  for (StringRef each = next_word(line); !each.empty(); each = next_word(line)) {
    if (each == word) return true;
  }
  return false;
}

bool parse_number(StringRef text, std::uint64_t* number) {
  if (!text.starts_with("0x")) return parse_decimal(text, number);
  const StringRef digits = text.from(2);
  std::uint64_t n = 0;
  for (const char c : digits) {
    const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                           : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                                  : 16U;
    if (digit == 16 || !append_digit(&n, 16, digit)) return false;
  }
  *number = n;
  return !digits.empty();
}

bool parse_size(StringRef text, ByteCount* size) {
  constexpr Unit kUnits[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
  return parse_with_unit(text, kUnits, &size->raw);
}

bool parse_time(StringRef text, Nanoseconds* time) {
  constexpr Unit kUnits[] = {{"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  return parse_with_unit(text, kUnits, &time->raw);
}

CommandLine parse_command_line(StringRef line) {
  CommandLine result;
  for (StringRef word = next_word(line); !word.empty(); word = next_word(line)) {
    const std::size_t equals = word.find('=');
    const StringRef name = equals == StringRef::kNone ? StringRef() : word.first(equals);
    if (is_machine_key(name)) continue;
    const Key* const key = key_of(name);
    if (key == nullptr) {
      if (result.unknown_count < CommandLine::kMostUnknown) result.unknown[result.unknown_count++] = word;
      continue;
    }
    if (!key->read(word.from(equals + 1), result.options)) {
      result.error.put(word.first(100)).put(": expected ").put(key->expected);
      return result;
    }
  }
  return result;
}

}  // namespace fallow::guest
