#include "cli/replay/live_frame.h"
#include "cli/replay/replay_history.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/cli/replay/reports.h"

namespace fallow::cli {
namespace {

Terminal plain(unsigned columns, unsigned rows) {
  return {.live = true, .colour = false, .unicode = false, .columns = columns, .rows = rows};
}

LiveState half_way() {
  return {.title = "day.txt", .compared = true, .scanned = 1, .sample = sample_at(seconds(5))};
}

History history_of(const LiveState& state) {
  History history;
  add(history, *state.sample);
  return history;
}

bool any_starts_with(const std::vector<std::string>& lines, const std::string& start) {
  for (const std::string& line : lines)
    if (line.starts_with(start)) return true;
  return false;
}

TEST(LiveFrame, all_of_it) {
  const std::vector<std::string> lines = live_frame(half_way(), history_of(half_way()), plain(80, 24));
  EXPECT_EQ(lines.front(), "day.txt");
  EXPECT_TRUE(any_starts_with(lines, " 50 % ====")) << lines[1];
  EXPECT_TRUE(any_starts_with(lines, "used        100 MiB  ####"));
  EXPECT_TRUE(any_starts_with(lines, "free        300 MiB  ####"));
  EXPECT_TRUE(any_starts_with(lines, "reported    250 MiB  ####"));
  EXPECT_TRUE(any_starts_with(lines, "resident    110 MiB  ++++"));
  EXPECT_TRUE(any_starts_with(lines, "linux       200 MiB  ...."));
}

TEST(LiveFrame, fits_every_terminal) {
  for (const unsigned rows : {1u, 2u, 5u, 6u, 7u, 12u, 13u, 14u, 20u, 100u}) {
    for (const unsigned columns : {1u, 10u, 20u, 40u, 79u, 300u}) {
      const auto lines = live_frame(half_way(), history_of(half_way()), plain(columns, rows));
      ASSERT_FALSE(lines.empty());
      EXPECT_LT(lines.size(), std::max(rows, 2u)) << columns << " x " << rows;
      if (columns < 40) continue;
      for (std::size_t i = 1; i < lines.size(); ++i)
        EXPECT_TRUE(lines[i].size() < columns || lines[i].starts_with("# used")) << lines[i];
    }
  }
}

TEST(LiveFrame, reading_the_trace) {
  LiveState state{.title = "day.txt", .compared = true, .scanned = 0.25, .sample = {}};
  const auto lines = live_frame(state, History(), plain(80, 24));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with(" 25 % ===")) << lines[0];
  state.scanned = -1;
  EXPECT_EQ(live_frame(state, History(), plain(80, 24))[0], "reading the trace");
}

TEST(LiveFrame, end_not_known) {
  LiveState state = half_way();
  state.sample->end = {};
  const auto lines = live_frame(state, history_of(state), plain(80, 24));
  EXPECT_TRUE(any_starts_with(lines, "5.00 s into the trace, 500 events"));
}

TEST(LiveFrame, no_comparison) {
  LiveState state = half_way();
  state.compared = false;
  EXPECT_FALSE(any_starts_with(live_frame(state, history_of(state), plain(80, 24)), "linux"));
}

}  // namespace
}  // namespace fallow::cli
