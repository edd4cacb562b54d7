#include "cli/boot/boot_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/boot/boot_frame.h"
#include "cli/boot/boot_summary.h"
#include "tests/unit/cli/boot/boots.h"

namespace fallow::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr Terminal kPlain{.live = true, .colour = false, .unicode = false, .columns = 80, .rows = 24};

TEST(BootJson, fields_in_their_order) {
  const Json json = Json::parse(boot_json({}, typical_run()));
  std::vector<std::string> names;
  for (const auto& item : json.items()) names.push_back(item.key());
  const std::vector<std::string> expected = {"guest",
                                             "machine",
                                             "memory_mib",
                                             "smp",
                                             "packed",
                                             "indirect",
                                             "event_index",
                                             "accel",
                                             "workload",
                                             "policy",
                                             "order",
                                             "seed",
                                             "filled_mib",
                                             "top_mib",
                                             "low_mib",
                                             "t05_s",
                                             "t50_s",
                                             "t95_s",
                                             "excess_gib_s",
                                             "boot_s",
                                             "registered_s",
                                             "first_report_s",
                                             "filled_s",
                                             "freeing_s",
                                             "freed_s",
                                             "end_s",
                                             "requests",
                                             "entries",
                                             "reported_mib",
                                             "failures",
                                             "refused",
                                             "corrupted_frames",
                                             "failed_allocations",
                                             "allocations",
                                             "frees",
                                             "rebinds",
                                             "zone_check",
                                             "loader",
                                             "bus",
                                             "place",
                                             "interrupts",
                                             "features",
                                             "ring",
                                             "samples",
                                             "damaged_lines",
                                             "stopped",
                                             "verdict"};
  EXPECT_EQ(names, expected);
  EXPECT_EQ(json["guest"], "fallow");
  EXPECT_EQ(json["memory_mib"], 2048.0);
  EXPECT_EQ(json["filled_mib"], 900);
  EXPECT_EQ(json["low_mib"], 100.0);
  EXPECT_EQ(json["freeing_s"], 2.0);
  EXPECT_NEAR(json["t95_s"].get<double>(), 0.955, 1e-9);
  EXPECT_EQ(json["reported_mib"], 1900);
  EXPECT_TRUE(json["rebinds"].is_null());
  EXPECT_EQ(json["ring"], "split");
  EXPECT_EQ(json["verdict"], "ok");
}

TEST(BootJson, what_is_not_known_is_null) {
  BootRun run;
  run.qemu_end = "ended with status 1";
  const Json json = Json::parse(boot_json({}, run));
  for (const char* name : {"filled_mib", "top_mib", "t95_s", "excess_gib_s", "boot_s", "first_report_s",
                           "requests", "corrupted_frames", "ring"})
    EXPECT_TRUE(json[name].is_null()) << name;
  EXPECT_EQ(json["refused"], 0);
  EXPECT_EQ(json["verdict"], "QEMU ended with status 1, before its first event");
}

TEST(BootRun, faults) {
  BootRun run = typical_run();
  EXPECT_TRUE(faults_of({}, run).empty());
  run.refused = 1;
  EXPECT_EQ(verdict_of({}, run), "QEMU refused 1 address that the guest reported");
  run = typical_run();
  run.verdict->corrupted_frames = 2;
  EXPECT_EQ(verdict_of({}, run), "2 frames lost content while allocated");
  run.verdict->verdict = "2 frames\x1b";
  EXPECT_EQ(verdict_of({}, run), "the guest says: 2 frames\\x1b");
  run = typical_run();
  run.qemu_words = "one\ntwo\n";
  EXPECT_EQ(verdict_of({}, run), "QEMU printed an error: one");
  run = typical_run();
  run.end = BootEnd::Silence;
  run.times.freed = {};
  EXPECT_EQ(verdict_of({}, run),
            "the guest was silent for 60.0 s, while it freed its memory (see --timeout)");
  run.end = BootEnd::Stopped;
  EXPECT_EQ(verdict_of({}, run), "stopped");
}

TEST(BootCsv, a_row_for_each_sample) {
  BootRun run;
  run.samples = {resident_at(milliseconds(1500), 100)};
  run.samples[0].guest = {.used_kib = 1024, .free_kib = 2048, .reported_kib = 512, .requests = 4};
  EXPECT_EQ(boot_csv(run),
            "time_s,resident_mib,guest_used_mib,guest_free_mib,guest_reported_mib,requests\n"
            "1.500000,100.000,1.000,2.000,0.500,4\n");
}

TEST(BootSummary, tells_the_fall) {
  History history;
  for (const BootSample& sample : a_fall())
    history.add(sample.time,
                {.used = 0, .resident = static_cast<double>(sample.resident.raw >> 20), .linux = 0});
  const std::string text = boot_summary({}, typical_run(), history, kPlain);
  for (const char* part : {"The guest filled 900 MiB, and freed it.", "fell from 1,000", "half after 0.55 s",
                           "95 %", "reported 1,900 MiB in 34 requests", "Verdict: ok.",
                           "resident on the host beyond that", "95 % back after"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST(BootSummary, nothing_happened) {
  BootRun run;
  run.end = BootEnd::Silence;
  const std::string text = boot_summary({}, run, History(), kPlain);
  EXPECT_NE(text.find("Verdict: the guest was silent"), std::string::npos) << text;
}

bool any_starts_with(const std::vector<std::string>& lines, const std::string& start) {
  for (const std::string& line : lines)
    if (line.starts_with(start)) return true;
  return false;
}

TEST(BootFrame, all_of_it) {
  BootState state{
      .title = "a guest", .memory = in_mib(400), .doing = "the guest is filling 300 MiB", .sample = {}};
  History history;
  EXPECT_EQ(boot_frame(state, history, kPlain), std::vector<std::string>{"the guest is filling 300 MiB"});
  state.sample = resident_at(seconds(5), 200);
  state.sample->guest = {
      .used_kib = 100 << 10, .free_kib = 300 << 10, .reported_kib = 250 << 10, .requests = 7};
  history.add(seconds(5), {.used = 100, .resident = 200, .linux = 0});
  const std::vector<std::string> lines = boot_frame(state, history, kPlain);
  EXPECT_EQ(lines.front(), "a guest");
  EXPECT_EQ(lines.at(1), "    5.0 s  the guest is filling 300 MiB");
  EXPECT_TRUE(any_starts_with(lines, "resident    200 MiB  ++++"));
  EXPECT_TRUE(any_starts_with(lines, "used        100 MiB  ####"));
  EXPECT_TRUE(any_starts_with(lines, "free        300 MiB  ####"));
  EXPECT_TRUE(any_starts_with(lines, "reported    250 MiB  ####"));
  for (const unsigned rows : {1U, 5U, 6U, 13U, 24U}) {
    Terminal low = kPlain;
    low.rows = rows;
    EXPECT_LT(boot_frame(state, history, low).size(), std::max(rows, 2U));
  }
}

}  // namespace
}  // namespace fallow::cli
