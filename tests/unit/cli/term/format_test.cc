#include "cli/term/format.h"

#include <gtest/gtest.h>

#include "cli/term/parse.h"

namespace fallow::cli {
namespace {

TEST(Human, memory) {
  EXPECT_EQ(format_mib(0), "0 MiB");
  EXPECT_EQ(format_mib(0.0001), "0 MiB");
  EXPECT_EQ(format_mib(4.0 / 1024), "4 KiB");
  EXPECT_EQ(format_mib(0.1), "0.1 MiB");
  EXPECT_EQ(format_mib(9.94), "9.9 MiB");
  EXPECT_EQ(format_mib(9.96), "10 MiB");
  EXPECT_EQ(format_mib(999.6), "1,000 MiB");
  EXPECT_EQ(format_mib(4521.4), "4,521 MiB");
  EXPECT_EQ(format_mib(9999.4), "9,999 MiB");
  EXPECT_EQ(format_mib(9999.6), "9.8 GiB");
  EXPECT_EQ(format_mib(512 * 1024), "512 GiB");
  EXPECT_EQ(format_mib(64.0 * 1024 * 1024), "64.0 TiB");
  EXPECT_EQ(format_mib(-11.2), "-11 MiB");
}

TEST(Human, counts) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_counted(1, "request"), "1 request");
  EXPECT_EQ(format_counted(0, "request"), "0 requests");
  EXPECT_EQ(format_counted(3120, "request"), "3,120 requests");
}

TEST(Human, seconds) {
  EXPECT_EQ(format_seconds(0), "0 s");
  EXPECT_EQ(format_seconds(350e-6), "350 us");
  EXPECT_EQ(format_seconds(0.035), "35 ms");
  EXPECT_EQ(format_seconds(0.35), "0.35 s");
  EXPECT_EQ(format_seconds(9.999), "10.0 s");
  EXPECT_EQ(format_seconds(85.21), "85.2 s");
  EXPECT_EQ(format_seconds(725), "12 min 5 s");
  EXPECT_EQ(format_seconds(7260), "2 h 1 min");
}

TEST(Human, percents) {
  EXPECT_EQ(format_percent(0), "0 %");
  EXPECT_EQ(format_percent(0.0004), "0 %");
  EXPECT_EQ(format_percent(0.024), "2.4 %");
  EXPECT_EQ(format_percent(0.28), "28 %");
  EXPECT_EQ(format_percent(9.9), "990 %");
  EXPECT_EQ(format_percent(12), "12 times");
}

TEST(Human, times_are_read_back) {
  EXPECT_EQ(format_time({}), "0s");
  EXPECT_EQ(format_time(milliseconds(100)), "100ms");
  EXPECT_EQ(format_time(seconds(60)), "60s");
  for (const std::uint64_t time : {1ull, 1'500ull, 250'000ull, 1'500'000'000ull, 86'400'000'000'000ull})
    EXPECT_EQ(parse_time(format_time({time})), Nanoseconds{time});
}

TEST(Human, wrapping) {
  EXPECT_EQ(wrap("", 10), "");
  EXPECT_EQ(wrap("one", 10), "one\n");
  EXPECT_EQ(wrap("one two three", 7), "one two\nthree\n");
  EXPECT_EQ(wrap("one  two", 8), "one two\n");
  EXPECT_EQ(wrap("a word-that-is-too-long b", 6), "a\nword-that-is-too-long\nb\n");
}

}  // namespace
}  // namespace fallow::cli
