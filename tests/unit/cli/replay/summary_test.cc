#include "cli/replay/summary.h"
#include "cli/replay/replay_history.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/replay/reports.h"

namespace fallow::cli {
namespace {

bool says(const ReplayReport& report, const std::string& words) {
  return summary_words(report).find(words) != std::string::npos;
}

TEST(Summary, the_whole_story) {
  EXPECT_EQ(
      summary_words(typical_report()),
      "The workload used 444 MiB on average and 889 MiB at its peak, in 85.2 s. The host held 455 MiB on "
      "average, 11 MiB (2.5 %) more than was in use. Linux's page reporting would have held 570 MiB, 126 MiB "
      "(28 %) more than was in use. Of what it would have left idle on the host, 90 % went back. 4,521 MiB "
      "were given back, in 3,120 requests that took 0.35 s; 2,300 MiB of that (51 %) was used again, and had "
      "to be populated anew (with Linux, 2,014 MiB). At the end 279 MiB were used and 281 MiB resident.");
}

TEST(Summary, a_wire_shows_what_went_over_it) {
  ReplayReport report = typical_report();
  EXPECT_EQ(summary_table(report).find("descriptors"), std::string::npos);
  report.options.balloon.transport = replay::TransportKind::VirtioSplit;
  report.options.disturb = milliseconds(100);
  report.result.balloon = {.to_device = 3121, .to_driver = 3122, .descriptors = 9001, .refused = 7};
  report.result.disturbances = 852;
  const std::string table = summary_table(report);
  EXPECT_NE(table.find("descriptors                        9,001\n"), std::string::npos) << table;
  EXPECT_NE(table.find("notifications to the device        3,121\n"), std::string::npos) << table;
  EXPECT_NE(table.find("notifications to the driver        3,122\n"), std::string::npos) << table;
  EXPECT_NE(table.find("refused by the device                  7\n"), std::string::npos) << table;
  EXPECT_NE(table.find("disturbances                         852\n"), std::string::npos) << table;
  EXPECT_EQ(summary_title(report.options),
            "day.txt.zst: policy aged:100ms, order 9, backing anon, virtio-split");
}

TEST(Summary, nothing_allocated) {
  EXPECT_EQ(summary_words({.options = default_replay_options(), .result = {}}),
            "The workload allocated nothing.");
}

TEST(Summary, nothing_given_back) {
  ReplayReport report = typical_report();
  report.result.requests = 0;
  report.result.reported_mib = report.result.refaulted_mib = 0;
  EXPECT_TRUE(says(report,
                   "Nothing was given back. Only free runs of 2.0 MiB and more can be, with order 9; a lower "
                   "--order gives back smaller ones."));
  report.options.order = Order{0};
  EXPECT_TRUE(says(report, "Nothing was given back. At the end"));
}

TEST(Summary, nothing_used_again) {
  ReplayReport report = typical_report();
  report.result.refaulted_mib = 0;
  EXPECT_TRUE(says(report, "took 0.35 s; none of it was used again. At the end"));
}

TEST(Summary, linux_does_better) {
  ReplayReport report = typical_report();
  report.result.linux_mean_resident_mib = 449;
  report.result.linux_excess_gib_s = 0.5;
  EXPECT_TRUE(
      says(report,
           "would have held 449 MiB, 5.0 MiB (1.1 %) more than was in use. So less memory would have been "
           "left idle with it: 50 % of what was."));
}

TEST(Summary, linux_does_as_well) {
  ReplayReport report = typical_report();
  report.result.linux_excess_gib_s = 1.001;
  EXPECT_FALSE(says(report, "left idle"));
}

TEST(Summary, linux_leaves_nothing_idle) {
  ReplayReport report = typical_report();
  report.result.linux_excess_gib_s = 0;
  EXPECT_FALSE(says(report, "left idle"));
}

TEST(Summary, not_compared) {
  ReplayReport report = typical_report();
  report.options.compare_linux = false;
  EXPECT_FALSE(says(report, "Linux"));
  EXPECT_EQ(summary_table(report).find("linux"), std::string::npos);
  report = typical_report();
  report.options.policy.kind = PolicyKind::Linux;
  EXPECT_FALSE(says(report, "Linux"));
}

TEST(Summary, resident_is_what_is_used) {
  ReplayReport report = typical_report();
  report.result.mean_resident_mib = 444.01;
  EXPECT_TRUE(says(report, "444 MiB on average, as much as was in use."));
  report.result.mean_resident_mib = 400;
  EXPECT_TRUE(says(report, "400 MiB on average, 44 MiB (9.9 %) less than was in use."));
}

TEST(Summary, on_the_books) {
  ReplayReport report = typical_report();
  report.options.backing = replay::BackingKind::None;
  EXPECT_TRUE(says(report, "The host would have held 455 MiB"));
}

TEST(Summary, stopped) {
  ReplayReport report = typical_report();
  report.result.stopped = true;
  EXPECT_TRUE(summary_words(report).starts_with("Stopped after 85.2 s of the trace. The workload used"));
}

TEST(Summary, what_to_try_next) {
  ReplayReport report = typical_report();
  report.result.mean_resident_mib = 600;
  EXPECT_TRUE(
      says(report, "Free runs of less than 2.0 MiB stay with order 9: --order 0 gives them back too."));
  report.options.order = Order{0};
  EXPECT_FALSE(says(report, "Free runs"));
}

TEST(Summary, table_of_nothing) {
  const std::string table = summary_table({.options = default_replay_options(), .result = {}});
  EXPECT_NE(table.find("events a second"), std::string::npos);
  EXPECT_EQ(table.find("nan"), std::string::npos);
  EXPECT_EQ(table.find("inf"), std::string::npos);
}

TEST(Summary, fits_80_columns_without_a_terminal) {
  History history;
  add(history, sample_at(seconds(5)));
  const Terminal none{.live = false, .colour = false, .unicode = false, .columns = 80, .rows = 24};
  const std::string text = summary(typical_report(), history, none);
  EXPECT_TRUE(text.starts_with("day.txt.zst: policy aged:100ms, order 9, backing anon\n"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80u) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace fallow::cli
