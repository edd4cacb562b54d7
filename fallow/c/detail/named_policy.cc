#include "fallow/c/detail/named_policy.h"

namespace fallow::detail {
namespace {

// Returns the text after `prefix`; null if the text begins otherwise.
const char* after(const char* text, const char* prefix) noexcept {
  for (; *prefix != '\0'; ++text, ++prefix) {
    if (*text != *prefix) return nullptr;
  }
  return text;
}

// Reads a decimal number of at most 18 digits, and moves the text behind it.
Result<std::uint64_t> read_number(const char*& text) noexcept {
  std::uint64_t number = 0;
  unsigned digits = 0;
  for (; *text >= '0' && *text <= '9' && digits < 18; ++text, ++digits)
    number = number * 10 + static_cast<std::uint64_t>(*text - '0');
  if (digits == 0) return Status::InvalidArgument;
  return number;
}

struct Unit {
  const char* name;
  std::uint64_t nanoseconds;
};
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"ms", 1'000'000},
                           {"s", 1'000'000'000},
                           {"m", 60'000'000'000},
                           {"h", 3'600'000'000'000}};

Result<Nanoseconds> read_duration(const char* text) noexcept {
  const Result<std::uint64_t> number = read_number(text);
  if (!number.ok()) return number.status();
  for (const Unit& unit : kUnits) {
    const char* const rest = after(text, unit.name);
    if (rest == nullptr || *rest != '\0' || number.value() > AgedPolicy::kMaxAge.raw / unit.nanoseconds)
      continue;
    return Nanoseconds{number.value() * unit.nanoseconds};
  }
  return Status::InvalidArgument;
}

}  // namespace

Status NamedPolicy::choose(const char* text, Order order) noexcept {
  if (text == nullptr) text = "aged";
  if (const char* rest = after(text, "aged"); rest != nullptr) {
    Nanoseconds age = AgedPolicy::kDefaultAge;
    if (*rest != '\0') {
      const Result<Nanoseconds> given =
          *rest == ':' ? read_duration(rest + 1) : Result<Nanoseconds>(Status::InvalidArgument);
      if (!given.ok()) return given.status();
      age = given.value();
    }
    aged_ = AgedPolicy(order, age);
    policy_ = &aged_;
  } else if (rest = after(text, "hwm"); rest != nullptr) {
    std::uint64_t threshold = HwmPolicy::kDefaultThreshold;
    if (*rest != '\0') {
      if (*rest++ != ':') return Status::InvalidArgument;
      const Result<std::uint64_t> given = read_number(rest);
      if (!given.ok() || *rest != '\0' || given.value() > UINT32_MAX) return Status::InvalidArgument;
      threshold = given.value();
    }
    hwm_ = HwmPolicy(order, static_cast<std::uint32_t>(threshold));
    policy_ = &hwm_;
  } else if (rest = after(text, "linux"); rest != nullptr && *rest == '\0') {
    linux_ = LinuxPolicy(order);
    policy_ = &linux_;
  } else {
    return Status::InvalidArgument;
  }
  return policy_->validate();
}

}  // namespace fallow::detail
