#include "guest/protocol/command_line.h"

#include <span>

#include "fallow/base/detail/quantity.h"

namespace fallow::guest {
namespace {

constexpr bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

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
  const Result<PolicySpec> policy = parse_policy(value);
  if (!policy.ok()) return false;
  o.policy = policy.value();
  o.policy_word = value;
  return true;
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
  if (!text.starts_with("0x")) return detail::parse_decimal(text, number);
  const StringRef digits = text.from(2);
  std::uint64_t n = 0;
  for (const char c : digits) {
    const unsigned digit = detail::is_digit(c)    ? static_cast<unsigned>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                           : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A' + 10)
                                                  : 16U;
    if (digit == 16 || !detail::append_digit(&n, 16, digit)) return false;
  }
  *number = n;
  return !digits.empty();
}

bool parse_size(StringRef text, ByteCount* size) {
  constexpr detail::QuantityUnit kUnits[] = {{"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
  return detail::parse_quantity(text, {.units = kUnits}, &size->raw);
}

bool parse_time(StringRef text, Nanoseconds* time) {
  constexpr std::span kUpToSeconds = std::span(detail::kTimeUnits).first<4>();
  return detail::parse_quantity(text, {.units = kUpToSeconds}, &time->raw);
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
