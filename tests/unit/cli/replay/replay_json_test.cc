#include "cli/replay/replay_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/unit/cli/replay/reports.h"

namespace fallow::cli {
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
                                             "stopped",
                                             "transport",
                                             "event_index",
                                             "indirect",
                                             "queue_size",
                                             "in_flight",
                                             "init_reported",
                                             "notifications_to_device",
                                             "notifications_to_driver",
                                             "descriptors",
                                             "refused",
                                             "device_resets",
                                             "disturbances",
                                             "page_size_kib",
                                             "odd_lines",
                                             "uncounted_losses",
                                             "late_events"};
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
    if (item.key() == "transport") continue;
    EXPECT_FALSE(item.value().is_string()) << item.key();
  }
}

TEST(ReplayJson, how_the_trace_was_read) {
  ReplayReport report = typical_report();
  report.options.page = trace::PageShift{16};
  report.result.odd_lines = 2;
  report.result.uncounted_losses = 3;
  report.result.late_events = 4;
  const Json json = Json::parse(replay_json(report));
  EXPECT_EQ(json["page_size_kib"], 64);
  EXPECT_EQ(json["odd_lines"], 2);
  EXPECT_EQ(json["uncounted_losses"], 3);
  EXPECT_EQ(json["late_events"], 4);
}

TEST(ReplayJson, a_wire) {
  ReplayReport report = typical_report();
  Json json = Json::parse(replay_json(report));
  EXPECT_EQ(json["transport"], "direct");
  EXPECT_TRUE(json["event_index"].is_null());
  EXPECT_TRUE(json["queue_size"].is_null());
  EXPECT_EQ(json["notifications_to_device"], 0);
  report.options.balloon.transport = replay::TransportKind::VirtioPacked;
  report.options.balloon.indirect = false;
  report.result.balloon = {.to_device = 11, .to_driver = 12, .descriptors = 300, .refused = 4, .resets = 2};
  report.result.disturbances = 5;
  json = Json::parse(replay_json(report));
  EXPECT_EQ(json["transport"], "virtio-packed");
  EXPECT_EQ(json["event_index"], true);
  EXPECT_EQ(json["indirect"], false);
  EXPECT_EQ(json["queue_size"], 256);
  EXPECT_EQ(json["in_flight"], 1);
  EXPECT_EQ(json["init_reported"], false);
  EXPECT_EQ(json["notifications_to_device"], 11);
  EXPECT_EQ(json["notifications_to_driver"], 12);
  EXPECT_EQ(json["descriptors"], 300);
  EXPECT_EQ(json["refused"], 4);
  EXPECT_EQ(json["device_resets"], 2);
  EXPECT_EQ(json["disturbances"], 5);
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
}  // namespace fallow::cli
