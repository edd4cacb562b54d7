#include "cli/replay/replay_diagnosis.h"

#include <fmt/format.h>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

std::string failed_allocations(const replay::ReplayResult& result) {
  return fmt::format("{} failed: the zone of {} was too small or too fragmented (see --memory).",
                     format_counted(result.failed_allocs, "allocation"), format_mib(to_mib(result.memory)));
}

const char* was(std::uint64_t count) { return count == 1 ? "was" : "were"; }

}  // namespace

std::vector<std::string> faults_of(const ReplayReport& report) {
  const replay::ReplayResult& result = report.result;
  std::vector<std::string> faults;
  if (result.corrupted_frames > 0)
    faults.push_back(
        fmt::format("{} changed while allocated.", format_counted(result.corrupted_frames, "frame")));
  if (result.refused_frees > 0)
    faults.push_back(fmt::format("The zone refused {} of what it had allocated.",
                                 format_counted(result.refused_frees, "free")));
  if (result.broken_invariant != nullptr)
    faults.push_back(fmt::format("The zone is inconsistent at the end: {}.", result.broken_invariant));
  if (report.options.verify && result.failed_allocs > 0) faults.push_back(failed_allocations(result));
  return faults;
}

std::vector<std::string> warnings_of(const ReplayReport& report) {
  const replay::ReplayResult& result = report.result;
  std::vector<std::string> warnings;
  if (result.allocs > 0 && result.frees == 0)
    warnings.emplace_back(
        "The trace contains no readable free, so all memory counts as used until the end. Was "
        "kmem:mm_page_free recorded? Before Linux 3.3 the events are mm_page_free_direct and "
        "mm_pagevec_free.");
  if (result.late_events > result.events / 2)
    warnings.emplace_back(
        "Most times in the trace precede that of the previous event: they are differences, as perf script "
        "--deltatime prints them, not points in time. All figures over time are wrong.");
  return warnings;
}

std::vector<std::string> notes_of(const ReplayReport& report) {
  const replay::ReplayResult& result = report.result;
  std::vector<std::string> notes;
  if (!report.options.verify && result.failed_allocs > 0) notes.push_back(failed_allocations(result));
  if (result.bad_lines > 0)
    notes.push_back(fmt::format("{} of the trace {} damaged and skipped.",
                                format_counted(result.bad_lines, "line"), was(result.bad_lines)));
  if (result.odd_lines > 0)
    notes.push_back(fmt::format("{} of the trace, without a page event, {} unreadable and skipped.",
                                format_counted(result.odd_lines, "line"), was(result.odd_lines)));
  if (!result.first_skipped.empty())
    notes.push_back(fmt::format("The first line that was skipped is {}.", result.first_skipped));
  if (result.lost_events > 0)
    notes.push_back(
        fmt::format("The recording lost {}: memory whose free was lost counts as used until the end.",
                    format_counted(result.lost_events, "event")));
  if (result.uncounted_losses > 0)
    notes.push_back(
        fmt::format("The recording lost events {}, and does not say how many: memory whose free was "
                    "lost counts as used until the end.",
                    format_counted(result.uncounted_losses, "time")));
  if (result.unmatched_frees > 0)
    notes.push_back(
        fmt::format("{} {} skipped: the memory was allocated before the recording began, or was "
                    "already free.",
                    format_counted(result.unmatched_frees, "free"), was(result.unmatched_frees)));
  if (result.implied_frees > 0)
    notes.push_back(
        fmt::format("{} found the frames still allocated, and freed them first: their frees are not in "
                    "the trace.",
                    format_counted(result.implied_frees, "allocation")));
  if (result.report_failures > 0)
    notes.push_back(fmt::format("{} failed; their frames were reported again later.",
                                format_counted(result.report_failures, "request")));
  if (!result.release_error.empty())
    notes.push_back(fmt::format("The host did not release all memory: {}.", result.release_error));
  if (report.options.lazy_free)
    notes.emplace_back(
        "With --lazy-free the host takes returned memory only under memory pressure, so resident memory "
        "hardly falls.");
  return notes;
}

}  // namespace fallow::cli
