#include "cli/term/parse.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace fallow::cli {
namespace {

constexpr std::uint64_t kKi = 1024;
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

TEST(Quantity, sizes) {
  const std::pair<const char*, std::uint64_t> accepted[] = {
      {"0", 0},
      {"4096", 4096},
      {"17B", 17},
      {"1K", kKi},
      {"3k", 3 * kKi},
      {"3KB", 3 * kKi},
      {"3KiB", 3 * kKi},
      {"512M", 512 * kKi * kKi},
      {"512MB", 512 * kKi * kKi},
      {"512mib", 512 * kKi * kKi},
      {"2G", 2 * kKi * kKi * kKi},
      {"1.5GiB", 3 * kKi * kKi * kKi / 2},
      {"0.25gb", kKi * kKi * kKi / 4},
      {"1T", kKi * kKi * kKi * kKi},
      {"1TiB", kKi * kKi * kKi * kKi},
      {"2TB", 2 * kKi * kKi * kKi * kKi},
      {"0.3K", 307},
      {"00012K", 12 * kKi},
      {"18446744073709551615", kMost},
  };
  for (const auto& [text, expected] : accepted) {
    const auto size = parse_size(text);
    ASSERT_TRUE(size) << text;
    EXPECT_EQ(size->raw, expected) << text;
  }
}

TEST(Quantity, no_sizes) {
  for (const char* text : {"",
                           " ",
                           "M",
                           "-1",
                           "+1",
                           "1 M",
                           " 1M",
                           "1M ",
                           "12Q",
                           "1KK",
                           "1Ki",
                           "1e3",
                           "0x10",
                           ".5G",
                           "1.G",
                           "1.",
                           "1..5G",
                           "1.5.5G",
                           "1,5G",
                           "1.5P",
                           "nan",
                           "18446744073709551616",
                           "16777216T",
                           "1.0000000000001G",
                           "99999999999999999999999999"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Quantity, times) {
  const std::pair<const char*, std::uint64_t> accepted[] = {
      {"0", 0},
      {"0s", 0},
      {"17ns", 17},
      {"250us", 250'000},
      {"100ms", 100'000'000},
      {"2s", 2'000'000'000},
      {"2S", 2'000'000'000},
      {"1.5s", 1'500'000'000},
      {"1m", 60'000'000'000},
      {"1min", 60'000'000'000},
      {"24h", 86'400'000'000'000},
      {"0.0000000001s", 0},
  };
  for (const auto& [text, expected] : accepted) {
    const auto time = parse_time(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(time->raw, expected) << text;
  }
}

TEST(Quantity, no_times) {
  for (const char* text : {"", "s", "5", "100", "00", "-1s", "1 s", "1sec", "1d", "1.s", ".1s", "1e3s",
                           "1s1ms", "5124096h", "inf"})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(Quantity, counts) {
  EXPECT_EQ(parse_count("0"), 0u);
  EXPECT_EQ(parse_count("18446744073709551615"), kMost);
  for (const char* text : {"", "-1", "+1", "1.0", "1k", " 1", "1 ", "0x1", "18446744073709551616"})
    EXPECT_FALSE(parse_count(text)) << text;
}

TEST(Quantity, positive_numbers) {
  EXPECT_EQ(parse_positive("1"), 1.0);
  EXPECT_EQ(parse_positive("0.5"), 0.5);
  EXPECT_EQ(parse_positive("1e3"), 1000.0);
  for (const char* text : {"", "0", "-1", "+1", "nan", "inf", "1x", "1,5", "1e999", "max"})
    EXPECT_FALSE(parse_positive(text)) << text;
}

}  // namespace
}  // namespace fallow::cli
