// End-to-end tests of `fallow replay` over a virtio balloon.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/cli_process.h"

namespace fallow {
namespace {

// A trace that allocates and frees 30 blocks of 2 MiB within 3 s.
std::string blocks() {
  std::string text;
  for (int i = 0; i < 60; ++i) {
    const std::string time = std::to_string(7 + i / 20) + "." + std::to_string(100000 + i % 20 * 45000);
    const bool last = i >= 30;
    text += "cc1-1 [000] .....  " + time + ": mm_page_" + (last ? "free" : "alloc") + ": page=0 pfn=0x" +
            std::to_string(10 + i % 30) + "000 order=9" + (last ? "\n" : " migratetype=1 gfp_flags=0\n");
  }
  return text;
}

struct CliWire : testing::Test {
  CliOutcome replay(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "replay");
    arguments.push_back(trace);
    return run_cli(arguments);
  }
  ScratchFolder folder;
  std::string trace = folder.file("trace.txt", blocks());
};

TEST_F(CliWire, figures_of_the_wire) {
  const CliOutcome outcome =
      replay({"--transport", "virtio-packed", "--queue-size", "100", "--indirect", "off", "--json", "-"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["transport"], "virtio-packed");
  EXPECT_EQ(json["queue_size"], 100);
  EXPECT_EQ(json["indirect"], false);
  EXPECT_EQ(json["descriptors"], json["entries"]);
  EXPECT_EQ(json["notifications_to_device"], json["requests"]);
  EXPECT_EQ(json["refused"], 0);
  EXPECT_EQ(json["end_resident_mib"], 0.0);
  EXPECT_NE(outcome.err.find("notifications to the device"), std::string::npos) << outcome.err;
}

TEST_F(CliWire, trouble_in_real_time) {
  const CliOutcome outcome =
      replay({"--transport", "virtio-split", "--speed", "8", "--backing", "memfd", "--verify",
              "--init-reported", "--in-flight", "4", "--disturb", "50ms", "--json", "-"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["corrupted_frames"], 0);
  EXPECT_EQ(json["failed_allocs"], 0);
  EXPECT_TRUE(json["broken_invariant"].is_null());
  EXPECT_GT(json["disturbances"], 100);
  EXPECT_GT(json["device_resets"], 10);
}

TEST_F(CliWire, what_changes_nothing_is_an_error) {
  const CliOutcome outcome = replay({"--queue-size", "16"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_NE(outcome.err.find("--queue-size has no effect with --transport direct"), std::string::npos)
      << outcome.err;
}

TEST_F(CliWire, what_cannot_be_is_an_error) {
  const CliOutcome outcome = replay({"--transport", "virtio-split", "--queue-size", "100"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(
      outcome.err,
      "fallow replay: --queue-size 100 with --transport virtio-split: a split queue's size is a power of "
      "two; expected such a size, or --transport virtio-packed\nTry 'fallow replay --help'.\n");
}

TEST_F(CliWire, the_help_teaches_it) {
  const CliOutcome outcome = run_cli({"replay", "--help"});
  for (const char* words : {"Transport:", "--transport", "--event-index on|off", "--disturb TIME"})
    EXPECT_NE(outcome.out.find(words), std::string::npos) << words;
}

}  // namespace
}  // namespace fallow
