#include "cli/term/history.h"
#include "cli/replay/replay_history.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/replay/reports.h"

namespace fallow::cli {
namespace {

replay::ReplaySample used_at(Nanoseconds time, std::uint64_t used_mib) {
  replay::ReplaySample sample;
  sample.time = time;
  sample.used = mib(used_mib);
  return sample;
}

TEST(History, nothing_yet) {
  const History history;
  EXPECT_TRUE(history.empty());
  EXPECT_FALSE(history.average({}, seconds(1)));
}

TEST(History, averages_what_lies_in_the_span) {
  History history;
  add(history, used_at({}, 10));
  add(history, used_at(milliseconds(10), 30));
  add(history, used_at(milliseconds(100), 500));
  EXPECT_EQ(history.average({}, milliseconds(50))->used, 20);
  EXPECT_EQ(history.average(milliseconds(100), milliseconds(101))->used, 500);
  EXPECT_EQ(history.highest_mib(), 500);
}

TEST(History, between_samples_the_last_counts) {
  History history;
  add(history, used_at({}, 10));
  add(history, used_at(milliseconds(10), 30));
  add(history, used_at(milliseconds(100), 500));
  EXPECT_EQ(history.average(milliseconds(40), milliseconds(60))->used, 30);
  EXPECT_FALSE(history.average(milliseconds(101), milliseconds(110)));
}

TEST(History, covers_hours) {
  History history;
  for (std::uint64_t s = 0; s <= 7200; ++s) add(history, used_at(seconds(s), s < 3600 ? 100 : 200));
  EXPECT_EQ(history.last(), seconds(7200));
  EXPECT_NEAR(history.average({}, seconds(1800))->used, 100, 1e-6);
  EXPECT_NEAR(history.average(seconds(5400), seconds(7200))->used, 200, 1e-6);
  EXPECT_NEAR(history.average({}, seconds(7200))->used, 150, 1);
}

}  // namespace
}  // namespace fallow::cli
