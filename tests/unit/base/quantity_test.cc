// The parser of numbers with units that the command line, the guest and the policies share.
#include "fallow/base/detail/quantity.h"

#include <gtest/gtest.h>

#include <string>

namespace fallow::detail {
namespace {

constexpr QuantityUnit kUnits[] = {{"", 1}, {"k", 1024}, {"t", std::uint64_t{1} << 40}};
constexpr QuantityForm kStrict{.units = kUnits};
constexpr QuantityForm kLenient{.units = kUnits, .fractions = true, .either_case = true};

TEST(Quantity, DigitsAndAUnit) {
  std::uint64_t value = 0;
  EXPECT_TRUE(parse_quantity("17", kStrict, &value) && value == 17);
  EXPECT_TRUE(parse_quantity("3k", kStrict, &value) && value == 3072);
  EXPECT_TRUE(parse_quantity("18446744073709551615", kStrict, &value) && value == ~std::uint64_t{0});
  EXPECT_TRUE(parse_quantity("16777215t", kStrict, &value));
  for (const char* bad : {"", "k", "-1", "1K", "1.5k", "1 k", "1kk", "18446744073709551616", "16777216t"})
    EXPECT_FALSE(parse_quantity(bad, kStrict, &value)) << bad;
}

TEST(Quantity, FractionsAndEitherCaseOnlyOnDemand) {
  std::uint64_t value = 0;
  EXPECT_TRUE(parse_quantity("1.5K", kLenient, &value) && value == 1536);
  EXPECT_TRUE(parse_quantity("0.3k", kLenient, &value) && value == 307) << "307.2";
  EXPECT_TRUE(parse_quantity("16777215.999999999999t", kLenient, &value) && value == ~std::uint64_t{0} - 1);
  for (const char* bad : {".5k", "1.", "1.k", "1..5k", "1.5.5k", "1.0000000000001k", "16777216.0t"})
    EXPECT_FALSE(parse_quantity(bad, kLenient, &value)) << bad;
}

TEST(Quantity, AFractionIsExact) {
  __extension__ using Wide = unsigned __int128;
  constexpr std::uint64_t kHour = 3'600'000'000'000;
  std::uint64_t digits = 1;
  for (int i = 0; i < 1000; ++i) {
    digits = digits * 6364136223846793005 + 1442695040888963407;
    std::string text = std::to_string(digits % 1'000'000'000'000);
    text.insert(0, 12 - text.size(), '0');
    const auto expected =
        static_cast<std::uint64_t>(Wide{digits % 1'000'000'000'000} * kHour / 1'000'000'000'000);
    EXPECT_EQ(scale_fraction(StringRef(text), kHour), expected) << text;
  }
}

TEST(Quantity, AWholeTimeHasTheLargestUnitThatKeepsItWhole) {
  const auto text = [](Nanoseconds time) {
    const WholeTime whole = whole_time(time);
    return std::to_string(whole.count) + whole.unit;
  };
  EXPECT_EQ(text({0}), "0s");
  EXPECT_EQ(text({7}), "7ns");
  EXPECT_EQ(text({1'500'000}), "1500us");
  EXPECT_EQ(text(milliseconds(100)), "100ms");
  EXPECT_EQ(text(seconds(7200)), "7200s");
}

}  // namespace
}  // namespace fallow::detail
