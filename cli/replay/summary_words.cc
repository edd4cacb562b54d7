#include <fmt/format.h>

#include <cmath>

#include "cli/replay/summary.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

// Returns "11 MiB (2.4 %) more than was in use". A difference that rounding hides counts as none.
std::string beside_used(double held, double used) {
  const double difference = std::abs(held - used);
  if (difference < 0.05 || difference < 0.0005 * used) return "as much as was in use";
  const char* direction = held > used ? "more" : "less";
  if (used < 0.05) return fmt::format("{} {} than was in use", format_mib(difference), direction);
  return fmt::format("{} ({}) {} than was in use", format_mib(difference), format_percent(difference / used),
                     direction);
}

std::string used_words(const ReplayReport& report) {
  const replay::ReplayResult& result = report.result;
  const std::string stopped = report.result.stopped ? fmt::format("Stopped after {} of the trace. ",
                                                                  format_seconds(result.duration_s))
                                                    : "";
  if (result.allocs == 0) return stopped + "The workload allocated nothing.";
  return fmt::format("{}The workload used {} on average and {} at its peak, in {}.", stopped,
                     format_mib(result.mean_used_mib), format_mib(result.peak_used_mib),
                     format_seconds(result.duration_s));
}

std::string held_words(const ReplayReport& report) {
  const replay::ReplayResult& result = report.result;
  const bool modelled = report.options.backing == replay::BackingKind::None;
  return fmt::format("The host {} {} on average, {}.", modelled ? "would have held" : "held",
                     format_mib(result.mean_resident_mib),
                     beside_used(result.mean_resident_mib, result.mean_used_mib));
}

std::string linux_words(const ReplayReport& report) {
  const replay::ReplayResult& result = report.result;
  std::string words = fmt::format("Linux's page reporting would have held {}, {}.",
                                  format_mib(result.linux_mean_resident_mib),
                                  beside_used(result.linux_mean_resident_mib, result.mean_used_mib));
  const double excess = std::max(result.excess_gib_s, 0.0);
  const double linux_excess = result.linux_excess_gib_s;
  constexpr double kSame = 0.01;
  if (linux_excess <= 0 || std::abs(linux_excess - excess) < kSame * linux_excess) return words;
  if (excess < linux_excess)
    return words + fmt::format(" Of what it would have left idle on the host, {} went back.",
                               format_percent(1 - excess / linux_excess));
  return words + fmt::format(" So less memory would have been left idle with it: {} of what was.",
                             format_percent(linux_excess / excess));
}

std::string given_back_words(const ReplayReport& report) {
  const replay::ReplayResult& result = report.result;
  if (result.requests == 0) {
    std::string words = "Nothing was given back.";
    if (report.options.order > Order{0})
      words += fmt::format(
          " Only free runs of {} and more can be, with order {}; a lower --order gives back smaller ones.",
          format_mib(to_mib(frames(report.options.order))), report.options.order.raw);
    return words;
  }
  std::string words =
      fmt::format("{} were given back, in {} that took {}", format_mib(result.reported_mib),
                  format_counted(result.requests, "request"), format_seconds(result.report_seconds));
  if (result.refaulted_mib < 0.5 / 1024) return words + "; none of it was used again.";
  words += fmt::format("; {} of that ({}) was used again, and had to be populated anew",
                       format_mib(result.refaulted_mib),
                       format_percent(result.refaulted_mib / result.reported_mib));
  if (compared_with_linux(report.options))
    words += fmt::format(" (with Linux, {})", format_mib(result.linux_refaulted_mib));
  return words + ".";
}

// Suggests a lower order if much unused memory stays resident.
std::string hint_words(const ReplayReport& report) {
  constexpr double kMuch = 1.1;
  const replay::ReplayResult& result = report.result;
  const bool much_stays = result.mean_resident_mib > kMuch * result.mean_used_mib;
  if (!much_stays || result.requests == 0 || report.options.order == Order{0}) return "";
  return fmt::format(" Free runs of less than {} stay with order {}: --order 0 gives them back too.",
                     format_mib(to_mib(frames(report.options.order))), report.options.order.raw);
}

}  // namespace

std::string summary_words(const ReplayReport& report) {
  const replay::ReplayResult& result = report.result;
  if (result.allocs == 0) return used_words(report);
  std::string words = used_words(report) + " " + held_words(report);
  if (compared_with_linux(report.options)) words += " " + linux_words(report);
  words += " " + given_back_words(report);
  words += fmt::format(" At the end {} were used and {} resident.", format_mib(result.end_used_mib),
                       format_mib(result.end_resident_mib));
  return words + hint_words(report);
}

}  // namespace fallow::cli
