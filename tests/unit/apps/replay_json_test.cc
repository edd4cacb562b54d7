#include "apps/fallow/replay_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/unit/apps/reports.h"

namespace fallow {
namespace {

using Json = nlohmann::ordered_json;

TEST(ReplayJson, fields_in_their_order) {
  const Json json = Json::parse(replay_json(typical_report()));
  std::vector<std::string> names;
  for (const auto& item : json.items()) names.push_back(item.key());
  const std::vector<std::string> expected = {"trace",
                                             "policy",
                                             "order",
                                             "capacity",
                                             "hwm",
                                             "backing",
                                             "memory_mib",
                                             "events",
                                             "allocs",
                                             "frees",
                                             "unmatched_frees",
                                             "failed_allocs",
                                             "duration_s",
                                             "mean_used_mib",
                                             "peak_used_mib",
                                             "mean_resident_mib",
                                             "peak_resident_mib",
                                             "end_used_mib",
                                             "end_resident_mib",
                                             "excess_gib_s",
                                             "reported_mib",
                                             "refaulted_mib",
                                             "requests",
                                             "entries",
                                             "report_seconds",
                                             "corrupted_frames",
                                             "wall_seconds",
                                             "implied_frees",
                                             "refused_frees",
                                             "bad_lines",
                                             "lost_events",
                                             "report_failures",
                                             "broken_invariant",
                                             "linux_mean_resident_mib",
                                             "linux_end_resident_mib",
                                             "linux_excess_gib_s",
                                             "linux_refaulted_mib",
                                             "stopped"};
  EXPECT_EQ(names, expected);
}

TEST(ReplayJson, values) {
  const Json json = Json::parse(replay_json(typical_report()));
  EXPECT_EQ(json["trace"], "day.txt.zst");
  EXPECT_EQ(json["policy"], "aged:100ms");
  EXPECT_EQ(json["order"], 9);
  EXPECT_EQ(json["backing"], "anon");
  EXPECT_EQ(json["memory_mib"], 2048.0);
  EXPECT_EQ(json["events"], 2'843'123);
  EXPECT_EQ(json["mean_used_mib"], 444.0);
  EXPECT_EQ(json["linux_mean_resident_mib"], 570.0);
  EXPECT_EQ(json["stopped"], false);
  EXPECT_TRUE(json["broken_invariant"].is_null());
  for (const auto& item : json.items()) {
    if (item.key() == "trace" || item.key() == "policy" || item.key() == "backing") continue;
    EXPECT_FALSE(item.value().is_string()) << item.key();
  }
}

TEST(ReplayJson, not_compared) {
  ReplayReport report = typical_report();
  report.options.compare_linux = false;
  const Json json = Json::parse(replay_json(report));
  EXPECT_TRUE(json["linux_mean_resident_mib"].is_null());
  EXPECT_TRUE(json["linux_refaulted_mib"].is_null());
}

TEST(ReplayJson, a_path_that_is_not_utf8) {
  ReplayReport report = typical_report();
  report.options.trace = "day\xff\"\n.txt";
  EXPECT_EQ(Json::parse(replay_json(report))["trace"], "day\xef\xbf\xbd\"\n.txt");
}

}  // namespace
}  // namespace fallow
