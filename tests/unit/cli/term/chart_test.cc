#include "cli/term/chart.h"
#include "cli/replay/replay_history.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/replay/reports.h"

namespace fallow::cli {
namespace {

constexpr Terminal kAscii{.live = false, .colour = false, .unicode = false, .columns = 80, .rows = 24};
constexpr Terminal kShades{.live = false, .colour = false, .unicode = true, .columns = 80, .rows = 24};

// 100 MiB used for 10 s; 200 resident in the second half; linux keeps 400 in all of it.
History steps() {
  History history;
  for (std::uint64_t ms = 0; ms <= 10'000; ms += 50) {
    replay::ReplaySample sample;
    sample.time = milliseconds(ms);
    sample.used = mib(100);
    sample.resident = ms < 5'000 ? mib(100) : mib(200);
    sample.linux_resident = mib(400);
    add(history, sample);
  }
  return history;
}

TEST(Chart, layers_from_the_bottom_up) {
  const std::vector<std::string> lines = draw_chart(steps(), seconds(10), {.columns = 21, .rows = 4}, kAscii);
  const std::vector<std::string> expected = {"  400 MiB |..........",  //
                                             "  300 MiB |..........",  //
                                             "          |.....+++++",  //
                                             "          |##########",  //
                                             "    0 MiB +----------",  //
                                             "           0 s 10.0 s"};
  EXPECT_EQ(lines, expected);
}

TEST(Chart, time_to_come_is_blank) {
  const std::vector<std::string> lines =
      draw_chart(steps(), seconds(21), {.columns = 31, .rows = 4}, kShades);
  EXPECT_EQ(lines[3], "          │██████████");
}

TEST(Chart, eighths_where_only_used_memory_shows) {
  History history;
  replay::ReplaySample sample;
  sample.used = sample.resident = sample.linux_resident = mib(100);
  add(history, sample);
  sample.time = seconds(1);
  sample.used = sample.resident = sample.linux_resident = mib(25);
  add(history, sample);
  const std::vector<std::string> lines = draw_chart(history, seconds(1), {.columns = 19, .rows = 2}, kShades);
  EXPECT_EQ(lines[1], "          │███████▄");
}

TEST(Chart, no_colour_unless_wanted) {
  Terminal colours = kShades;
  colours.colour = true;
  const ChartSize size{.columns = 40, .rows = 4};
  for (const std::string& line : draw_chart(steps(), seconds(10), size, kShades))
    EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_NE(draw_chart(steps(), seconds(10), size, colours)[0].find('\x1b'), std::string::npos);
}

TEST(Chart, nothing_to_draw_or_no_room) {
  EXPECT_TRUE(draw_chart(History(), seconds(1), {.columns = 80, .rows = 10}, kShades).empty());
  EXPECT_TRUE(draw_chart(steps(), seconds(1), {.columns = 10, .rows = 10}, kShades).empty());
  EXPECT_TRUE(draw_chart(steps(), seconds(1), {.columns = 80, .rows = 0}, kShades).empty());
}

TEST(Chart, bars) {
  EXPECT_EQ(draw_bar(0, 10, Layer::Used, kShades), "");
  EXPECT_EQ(draw_bar(2.5, 10, Layer::Used, kShades), "██▌");
  EXPECT_EQ(draw_bar(99, 3, Layer::Used, kShades), "███");
  EXPECT_EQ(draw_bar(-1, 3, Layer::Used, kShades), "");
  EXPECT_EQ(draw_bar(2.5, 10, Layer::Linux, kShades), "░░░");
  EXPECT_EQ(draw_bar(2.4, 10, Layer::Resident, kAscii), "++");
}

TEST(Chart, legend_names_linux_only_if_compared) {
  EXPECT_NE(chart_legend(true, kAscii).find("linux"), std::string::npos);
  EXPECT_EQ(chart_legend(false, kAscii).find("linux"), std::string::npos);
}

}  // namespace
}  // namespace fallow::cli
