#include "cli/replay/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/replay/replay_options.h"
#include "cli/term/chart.h"
#include "cli/term/format.h"

namespace fallow::cli {
namespace {

constexpr unsigned kWidest = 80;

}  // namespace

bool compared_with_linux(const replay::ReplayOptions& options) {
  return options.compare_linux && options.policy.kind != PolicyKind::Linux;
}

std::string summary_title(const replay::ReplayOptions& options) {
  std::string title = fmt::format("{}: policy {}, order {}, backing {}",
                                  options.trace == "-" ? "standard input" : options.trace,
                                  policy_name(options), options.order.raw, backing_name(options.backing));
  if (options.balloon.virtio()) title += fmt::format(", {}", transport_name(options.balloon.transport));
  return title;
}

std::string summary(const ReplayReport& report, const History& history, const Terminal& terminal) {
  const unsigned columns = std::clamp(terminal.columns, 40u, kWidest);
  std::string text = summary_title(report.options) + "\n\n";
  const std::vector<std::string> chart =
      draw_chart(history, history.last(), {.columns = columns, .rows = 10}, terminal);
  for (const std::string& line : chart) text += line + "\n";
  if (!chart.empty()) text += chart_legend(compared_with_linux(report.options), terminal) + "\n\n";
  text += wrap(summary_words(report), columns) + "\n";
  text += summary_table(report);
  const std::vector<std::string> notes = notes_of(report);
  if (!notes.empty()) text += "\n";
  for (const std::string& note : notes) text += wrap("note: " + note, columns);
  return text;
}

}  // namespace fallow::cli
