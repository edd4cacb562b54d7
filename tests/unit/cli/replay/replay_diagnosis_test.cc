#include "cli/replay/replay_diagnosis.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/replay/reports.h"

namespace fallow::cli {
namespace {

using Sentences = std::vector<std::string>;

TEST(Findings, all_is_well) {
  EXPECT_EQ(faults_of(typical_report()), Sentences{});
  EXPECT_EQ(notes_of(typical_report()), Sentences{});
}

TEST(Findings, faults) {
  ReplayReport report = typical_report();
  report.result.corrupted_frames = 1;
  report.result.refused_frees = 2;
  report.result.broken_invariant = "a block counts more free frames than it has";
  EXPECT_EQ(
      faults_of(report),
      (Sentences{"1 frame changed while allocated.", "The zone refused 2 frees of what it had allocated.",
                 "The zone is inconsistent at the end: a block counts more free frames than it has."}));
}

TEST(Findings, failed_allocations_are_a_fault_only_when_verifying) {
  ReplayReport report = typical_report();
  report.result.failed_allocs = 31;
  const std::string sentence =
      "31 allocations failed: the zone of 2,048 MiB was too small or too fragmented (see --memory).";
  EXPECT_EQ(faults_of(report), Sentences{});
  EXPECT_EQ(notes_of(report), Sentences{sentence});
  report.options.verify = true;
  EXPECT_EQ(faults_of(report), Sentences{sentence});
  EXPECT_EQ(notes_of(report), Sentences{});
}

TEST(Findings, notes) {
  ReplayReport report = typical_report();
  report.options.lazy_free = true;
  report.result.bad_lines = 1;
  report.result.lost_events = 12'000;
  report.result.unmatched_frees = 2;
  report.result.implied_frees = 1;
  report.result.report_failures = 4;
  report.result.release_error = "madvise(MADV_FREE): Invalid argument";
  const Sentences notes = notes_of(report);
  ASSERT_EQ(notes.size(), 7u);
  EXPECT_EQ(notes[5], "The host did not release all memory: madvise(MADV_FREE): Invalid argument.");
  EXPECT_EQ(notes[0], "1 line of the trace was damaged and skipped.");
  EXPECT_EQ(notes[1],
            "The recording lost 12,000 events: memory whose free was lost counts as used until the end.");
  EXPECT_EQ(
      notes[2],
      "2 frees were skipped: the memory was allocated before the recording began, or was already free.");
  EXPECT_EQ(faults_of(report), Sentences{});
}

TEST(Findings, what_was_not_read) {
  ReplayReport report = typical_report();
  report.result.odd_lines = 2;
  report.result.first_skipped = "line 7: not output of ftrace, trace-cmd report or perf script: \"x\"";
  report.result.uncounted_losses = 3;
  EXPECT_EQ(notes_of(report),
            (Sentences{"2 lines of the trace, without a page event, were unreadable and skipped.",
                       "The first line that was skipped is line 7: not output of ftrace, trace-cmd report or "
                       "perf script: \"x\".",
                       "The recording lost events 3 times, and does not say how many: memory whose "
                       "free was lost counts as used until the end."}));
}

TEST(Findings, warnings) {
  ReplayReport report = typical_report();
  EXPECT_EQ(warnings_of(report), Sentences{});
  report.result.frees = 0;
  ASSERT_EQ(warnings_of(report).size(), 1u);
  EXPECT_TRUE(warnings_of(report)[0].starts_with("The trace contains no readable free, "));
  report.result.late_events = report.result.events - 1;
  ASSERT_EQ(warnings_of(report).size(), 2u);
  EXPECT_TRUE(warnings_of(report)[1].starts_with("Most times in the trace precede "));
}

}  // namespace
}  // namespace fallow::cli
