// End-to-end tests of the command line: exit statuses, messages, and the choice of output stream.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/e2e/cli_process.h"

namespace fallow {
namespace {

using Json = nlohmann::ordered_json;

// A trace that allocates 4 MiB in its first second and frees it in its second.
std::string small_trace() {
  std::string text = "# tracer: nop\n";
  for (const char* event : {"mm_page_alloc", "mm_page_free"}) {
    const bool is_free = std::string_view(event) == "mm_page_free";
    for (int i = 0; i < 1024; ++i)
      text +=
          fmt::format("cc1-1   [000] .....  {}.{:06}: {}: page=0 pfn={:#x} order=0{}\n", is_free ? 11 : 10, i,
                      event, 0x1000 + i, is_free ? "" : " migratetype=0 gfp_flags=GFP_KERNEL");
  }
  return text;
}

CliOutcome replay_small(std::vector<std::string> options, const std::vector<std::string>& environment = {}) {
  const ScratchFolder folder;
  options.insert(options.begin(), {"replay", folder.file("small.txt", small_trace())});
  return run_cli(options, environment);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Cli, version_and_help_go_to_standard_output) {
  for (const char* option : {"--version", "--help"}) {
    const CliOutcome outcome = run_cli({option});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_TRUE(has(outcome.out, "fallow")) << outcome.out;
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Cli, help_and_version_are_verbs_too) {
  EXPECT_EQ(run_cli({"help"}).out, run_cli({"--help"}).out);
  EXPECT_EQ(run_cli({"version"}).out, run_cli({"--version"}).out);
  EXPECT_EQ(run_cli({"-V"}).out, run_cli({"--version"}).out);
  for (const char* verb : {"replay", "boot", "serve", "ctl", "top"}) {
    const CliOutcome outcome = run_cli({"help", verb});
    EXPECT_EQ(outcome.status, 0) << verb;
    EXPECT_EQ(outcome.out, run_cli({verb, "--help"}).out);
  }
}

TEST(Cli, help_of_replay_teaches) {
  const CliOutcome outcome = run_cli({"replay", "--help"});
  EXPECT_EQ(outcome.status, 0);
  for (const char* part :
       {"--memory SIZE", "--policy hwm[:N]|linux|aged[:TIME]", "--order N", "--capacity N", "--hwm N",
        "--backing none|anon|thp|memfd", "--speed max|N", "--settle TIME", "--verify", "--json FILE|-",
        "--csv FILE|-", "--skip-bad-lines", "--page-size SIZE", "--lazy-free", "--no-compare", "--quiet",
        "Examples:", "Exit status:", "Default: 5s"})
    EXPECT_TRUE(has(outcome.out, part)) << part;
}

TEST(Cli, usage_errors) {
  const struct {
    std::vector<std::string> arguments;
    const char* says;
  } cases[] = {
      {{}, "Usage: fallow"},
      {{"relay"}, "fallow: unknown verb 'relay'; did you mean 'replay'?\nTry 'fallow --help'.\n"},
      {{"inflate"},
       "fallow: unknown verb 'inflate'; expected replay, boot, serve, ctl or top\nTry 'fallow --help'.\n"},
      {{"--versoin"}, "fallow: unknown option '--versoin'; did you mean '--version'?\n"},
      {{"help", "serve", "top"}, "fallow: help: unexpected argument 'top'; expected one VERB\n"},
      {{"help", "srve"}, "fallow: help: unknown verb 'srve'; did you mean 'serve'?\n"},
      {{"replay", "x", "--bakcing=none"},
       "fallow replay: unknown option '--bakcing=none'; did you mean '--backing'?\n"},
      {{"replay", "x", "--hwm", "5"}, "fallow replay: --hwm 5 has no effect with --policy aged:100ms"},
      {{"--frob"}, "fallow: unknown option '--frob'; expected replay, boot, serve, ctl or top\n"},
      {{"replay"}, "fallow replay: TRACE is required\nTry 'fallow replay --help'.\n"},
      {{"replay", "--frob", "x"}, "fallow replay: unknown option '--frob'\n"},
      {{"replay", "x", "y"}, "fallow replay: unexpected argument 'y'; expected one TRACE\n"},
      {{"replay", "x", "--memory", "12Q"}, "fallow replay: --memory '12Q': expected a size from 2M to 8T"},
      {{"replay", "x", "--memory"}, "fallow replay: --memory"},
      {{"replay", "x", "--order", "-1"},
       "fallow replay: --order '-1': expected a whole number from 0 to 10\n"},
      {{"replay", "x", "--policy=aged:1"}, "fallow replay: --policy 'aged:1': expected a time"},
      {{"replay", "x", "--verify", "--backing", "none"}, "fallow replay: --verify with --backing none"},
      {{"replay", "x", "--lazy-free", "--backing=memfd"}, "fallow replay: --lazy-free with --backing memfd"},
      {{"replay", "x", "--json", "-", "--csv", "-"}, "fallow replay: --json - and --csv -"},
  };
  for (const auto& [arguments, says] : cases) {
    const CliOutcome outcome = run_cli(arguments);
    EXPECT_EQ(outcome.status, 2) << says;
    EXPECT_EQ(outcome.out, "") << says;
    EXPECT_TRUE(has(outcome.err, says)) << outcome.err;
  }
}

TEST(Cli, files_that_cannot_be) {
  const ScratchFolder folder;
  CliOutcome outcome = run_cli({"replay", folder.path("none.txt"), "--json", folder.path("x.json")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err,
            "fallow replay: " + folder.path("none.txt") + ": cannot open: No such file or directory\n");
  EXPECT_FALSE(std::filesystem::exists(folder.path("x.json")));

  const std::string trace = folder.file("small.txt", small_trace());
  for (const char* option : {"--json", "--csv"}) {
    outcome = run_cli({"replay", trace, option, folder.path("no/folder")});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.err, fmt::format("fallow replay: {} {}: cannot write: No such file or directory\n",
                                       option, folder.path("no/folder")));
    outcome = run_cli({"replay", trace, option, trace});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_TRUE(has(outcome.err, "this would overwrite the trace")) << outcome.err;
  }
  EXPECT_EQ(read_file(trace), small_trace());
}

TEST(Cli, full_disks_are_noticed) {
  for (const char* option : {"--json", "--csv"}) {
    const CliOutcome outcome = replay_small({"-q", option, "/dev/full"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.err, "fallow replay: /dev/full: cannot write: No space left on device\n");
  }
}

TEST(Cli, a_full_disk_at_standard_output_is_noticed) {
  const std::string why = "No space left on device\n";
  for (const char* option : {"--help", "-h", "--version"}) {
    const CliOutcome outcome = run_cli_into_full_disk({option});
    EXPECT_EQ(outcome.status, 1) << option;
    EXPECT_EQ(outcome.err, "fallow: standard output: cannot write: " + why) << option;
  }
  for (const char* verb : {"replay", "boot", "serve", "ctl", "top"}) {
    const CliOutcome outcome = run_cli_into_full_disk({verb, "--help"});
    EXPECT_EQ(outcome.status, 1) << verb;
    EXPECT_EQ(outcome.err, "fallow: standard output: cannot write: " + why) << verb;
  }
  const ScratchFolder folder;
  const std::string trace = folder.file("small.txt", small_trace());
  for (const char* option : {"--json", "--csv"}) {
    const CliOutcome outcome = run_cli_into_full_disk({"replay", "-q", option, "-", trace});
    EXPECT_EQ(outcome.status, 1) << option;
    EXPECT_EQ(outcome.err, "fallow replay: standard output: cannot write: " + why) << option;
  }
  const CliOutcome summary = run_cli_into_full_disk({"replay", trace});
  EXPECT_EQ(summary.status, 1);
  EXPECT_TRUE(has(summary.err, "fallow replay: cannot write the summary: " + why)) << summary.err;
}

TEST(Cli, a_damaged_line) {
  const ScratchFolder folder;
  const std::string trace = folder.file(
      "bad.txt", small_trace() + "cc1-1 [000] ..... 12.0: mm_page_free: page=0 pfn=0x1 order=77\n");
  CliOutcome outcome = run_cli({"replay", "-q", trace});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(has(outcome.err, "bad.txt:2050: ")) << outcome.err;
  outcome = run_cli({"replay", "--skip-bad-lines", trace});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(has(outcome.out, "note: 1 line of the trace was damaged and skipped.")) << outcome.out;
}

TEST(Cli, a_trace_without_frees_is_warned_about) {
  const ScratchFolder folder;
  const std::string trace =
      folder.file("half.txt", "a-1 [000] 7.1: mm_page_alloc: pfn=0x1 order=0 migratetype=1\nodd\n");
  const CliOutcome outcome = run_cli({"replay", "-q", trace});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(has(outcome.err, "fallow replay: warning: The trace contains no readable free")) << outcome.err;
  const CliOutcome told = run_cli({"replay", trace});
  EXPECT_TRUE(has(told.out, "note: 1 line of the trace, without a page event, was unreadable")) << told.out;
}

TEST(Cli, a_trace_of_a_machine_with_larger_pages) {
  const ScratchFolder folder;
  const std::string trace = folder.file("big.txt",
                                        "a-1 [000] 7.1: mm_page_alloc: pfn=0x2000 order=13 migratetype=1\n"
                                        "a-1 [000] 9.1: mm_page_free: pfn=0x2000 order=13\n");
  CliOutcome outcome = run_cli({"replay", "-q", trace});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(
      has(outcome.err,
          "order=13 is above 10, the largest order with pages of 4 KiB (for larger pages: fallow replay "
          "--page-size)"))
      << outcome.err;
  outcome = run_cli({"replay", "-q", "--backing", "none", "--json", "-", "--page-size", "64K", trace});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  EXPECT_EQ(json["page_size_kib"], 64);
  EXPECT_EQ(json["peak_used_mib"], 512);
}

TEST(Cli, words_to_standard_output_and_progress_to_standard_error) {
  const CliOutcome outcome = replay_small({"--verify"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(has(outcome.out, "The workload used ")) << outcome.out;
  EXPECT_TRUE(has(outcome.out, "frames corrupted")) << outcome.out;
  EXPECT_TRUE(has(outcome.err, "100 %, ")) << outcome.err;
  EXPECT_FALSE(has(outcome.out + outcome.err, "\x1b"));
}

TEST(Cli, json_alone_on_standard_output) {
  const CliOutcome outcome =
      replay_small({"--json", "-", "--backing", "none", "--policy", "hwm", "--hwm", "2"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const Json json = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(json.is_object()) << outcome.out;
  EXPECT_EQ(json.begin().key(), "trace");
  EXPECT_EQ(json["policy"], "hwm");
  EXPECT_EQ(json["hwm"], 2);
  EXPECT_EQ(json["backing"], "none");
  EXPECT_EQ(json["allocs"], 1024);
  EXPECT_EQ(json["frees"], 1024);
  EXPECT_EQ(json["failed_allocs"], 0);
  EXPECT_EQ(json["peak_used_mib"], 4.0);
  EXPECT_EQ(json["end_used_mib"], 0.0);
  EXPECT_TRUE(has(outcome.err, "The workload used ")) << outcome.err;
}

TEST(Cli, json_and_csv_in_files) {
  const ScratchFolder folder;
  const std::string trace = folder.file("small.txt", small_trace());
  const CliOutcome outcome = run_cli({"replay", "-q", trace, "--json", folder.path("x.json"), "--csv",
                                      folder.path("x.csv"), "--no-compare"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out + outcome.err, "");
  EXPECT_TRUE(Json::parse(read_file(folder.path("x.json")))["linux_excess_gib_s"].is_null());
  const std::string csv = read_file(folder.path("x.csv"));
  EXPECT_TRUE(csv.starts_with("time_s,used_mib,")) << csv.substr(0, 100);
  // 1 s of events and 5 s of settling, at least every 50 ms.
  EXPECT_GT(std::count(csv.begin(), csv.end(), '\n'), 120);
}

TEST(Cli, the_same_figures_each_time) {
  Json runs[2];
  for (Json& json : runs) {
    json = Json::parse(replay_small({"-q", "--json", "-", "--order", "0", "--backing", "none"}).out);
    for (const char* clock : {"trace", "report_seconds", "wall_seconds"}) json.erase(clock);
  }
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(Cli, too_little_memory_is_a_result_unless_verifying) {
  CliOutcome outcome = replay_small({"--memory", "2M"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(has(outcome.out, "allocations failed: the zone of 2.0 MiB was too small")) << outcome.out;
  outcome = replay_small({"--memory", "2M", "--verify"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_TRUE(has(outcome.err, "fallow replay: FAILED: ")) << outcome.err;
}

TEST(Cli, a_mark_for_another_policy_is_an_error) {
  const CliOutcome outcome = replay_small({"--hwm", "3"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(has(outcome.err, "--hwm 3 has no effect with --policy aged:100ms")) << outcome.err;
}

TEST(Cli, an_empty_trace) {
  const ScratchFolder folder;
  const CliOutcome outcome = run_cli({"replay", folder.file("empty.txt", "")});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(has(outcome.err, "empty.txt: contains no mm_page_alloc or mm_page_free event")) << outcome.err;
}

// Replays in real time at five times the speed, so that the live view appears.
const std::vector<std::string> kRealTime = {"--speed", "5"};

CliOutcome replay_on_terminal(const std::vector<std::string>& environment,
                              const std::string& interrupt_at = "") {
  const ScratchFolder folder;
  std::vector<std::string> arguments = {"replay", folder.file("small.txt", small_trace())};
  arguments.insert(arguments.end(), kRealTime.begin(), kRealTime.end());
  return run_cli_on_terminal(arguments, environment, interrupt_at);
}

TEST(Cli, live_view_on_a_terminal) {
  FALLOW_NEEDS_TERMINAL();
  const CliOutcome outcome = replay_on_terminal({});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_TRUE(has(outcome.out, "reported ")) << outcome.out;
  EXPECT_TRUE(has(outcome.out, "\x1b[32m"));
  // At the end the view is erased, and line wrapping is on again.
  const std::size_t erased = outcome.out.rfind("\x1b[J");
  ASSERT_NE(erased, std::string::npos);
  EXPECT_GT(outcome.out.find("The workload used "), erased);
  EXPECT_LT(outcome.out.rfind("\x1b[?7l"), outcome.out.rfind("\x1b[?7h"));
}

TEST(Cli, no_colour) {
  FALLOW_NEEDS_TERMINAL();
  const CliOutcome outcome = replay_on_terminal({"NO_COLOR=1"});
  EXPECT_TRUE(has(outcome.out, "\x1b[J"));
  EXPECT_FALSE(has(outcome.out, "\x1b[32m"));
}

TEST(Cli, a_dumb_terminal_gets_lines) {
  FALLOW_NEEDS_TERMINAL();
  const CliOutcome outcome = replay_on_terminal({"TERM=dumb"});
  EXPECT_FALSE(has(outcome.out, "\x1b"));
  EXPECT_TRUE(has(outcome.out, "100 %, "));
}

TEST(Cli, control_c_stops_and_tells) {
  FALLOW_NEEDS_TERMINAL();
  const CliOutcome outcome = replay_on_terminal({}, "resident ");
  EXPECT_EQ(outcome.status, 130);
  EXPECT_TRUE(has(outcome.out, "Stopped after ")) << outcome.out;
}

}  // namespace
}  // namespace fallow
