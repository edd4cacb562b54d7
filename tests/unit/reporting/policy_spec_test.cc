// The names and parameters of policies as text, and the policies that they stand for.
#include "fallow/reporting/policy_spec.h"

#include <gtest/gtest.h>

#include <string>

namespace fallow {
namespace {

std::string text_of(const PolicySpec& spec) {
  const PolicyText text = format_policy(spec);
  return {text.text().data(), text.size()};
}

TEST(PolicySpec, EveryFormIsParsed) {
  const std::pair<const char*, PolicySpec> forms[] = {
      {"aged", {}},
      {"aged:1ms", {.age = milliseconds(1)}},
      {"aged:1.5s", {.age = milliseconds(1500)}},
      {"aged:24h", {.age = AgedPolicy::kMaxAge}},
      {"hwm", {.kind = PolicyKind::Hwm}},
      {"hwm:1", {.kind = PolicyKind::Hwm, .threshold = 1}},
      {"hwm:1000000000", {.kind = PolicyKind::Hwm, .threshold = 1'000'000'000}},
      {"linux", {.kind = PolicyKind::Linux}},
      {"none", {.kind = PolicyKind::None}},
  };
  for (const auto& [text, expected] : forms) {
    const Result<PolicySpec> spec = parse_policy(text);
    ASSERT_TRUE(spec.ok()) << text;
    EXPECT_EQ(spec.value(), expected) << text;
    EXPECT_EQ(parse_policy(format_policy(expected).text()).value(), expected) << text;
  }
}

TEST(PolicySpec, AnUnknownNameIsNotFound) {
  for (const char* text : {"", ":", "age", "agedly", "AGED", "aged ", "linux:1", "none:", "none:1", "hwm64"})
    EXPECT_EQ(parse_policy(text).status(), Status::NotFound) << text;
}

TEST(PolicySpec, ABadParameterIsInvalid) {
  for (const char* text : {"aged:", "aged:100", "aged:0s", "aged:999us", "aged:25h", "aged:1s:2s", "aged:-1s",
                           "hwm:", "hwm:0", "hwm:-1", "hwm:1.5", "hwm:1000000001", "hwm:64:"})
    EXPECT_EQ(parse_policy(text).status(), Status::InvalidArgument) << text;
}

TEST(PolicySpec, TheTextIsShort) {
  EXPECT_EQ(text_of({}), "aged:100ms");
  EXPECT_EQ(text_of({.age = {1'234'567'891}}), "aged:1234567891ns");
  EXPECT_EQ(text_of({.age = AgedPolicy::kMaxAge}), "aged:86400s");
  EXPECT_EQ(text_of({.kind = PolicyKind::Hwm}), "hwm");
  EXPECT_EQ(text_of({.kind = PolicyKind::Hwm, .threshold = 64}), "hwm:64");
  EXPECT_EQ(text_of({.kind = PolicyKind::Linux}), "linux");
  EXPECT_EQ(text_of({.kind = PolicyKind::None}), "none");
  EXPECT_FALSE(format_policy({.age = {~std::uint64_t{0}}}).full()) << "the longest text fits";
}

TEST(ConfiguredPolicy, StandsForTheSpec) {
  const auto delay = [](const PolicySpec& spec) { return ConfiguredPolicy(spec, Order{3}).get()->delay(); };
  EXPECT_EQ(delay({.age = milliseconds(400)}), milliseconds(100)) << "a quarter of the age";
  EXPECT_EQ(delay({.kind = PolicyKind::Hwm}), Nanoseconds{});
  EXPECT_EQ(delay({.kind = PolicyKind::Linux}), LinuxPolicy::kDelay);
  EXPECT_EQ(ConfiguredPolicy({.kind = PolicyKind::None}, Order{3}).get(), nullptr);

  ConfiguredPolicy hwm({.kind = PolicyKind::Hwm, .threshold = 64}, Order{3});
  EXPECT_EQ(hwm.get()->order(), Order{3});
  EXPECT_EQ(hwm.get()->credit({}), 64);
  ConfiguredPolicy invalid({.kind = PolicyKind::Hwm, .threshold = 0}, Order{3});
  EXPECT_EQ(invalid.get()->validate(), Status::InvalidArgument);
}

}  // namespace
}  // namespace fallow
