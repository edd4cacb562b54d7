#include "cli/replay/live_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/term/chart.h"
#include "cli/term/format.h"
#include "cli/term/live_layout.h"

namespace fallow::cli {
namespace {

std::string progress_line(double fraction, const std::string& where, unsigned columns,
                          const Terminal& terminal) {
  const std::size_t around = where.size() + std::string_view("100 %    ").size();
  constexpr std::size_t kShortest = 8;
  std::string line = fmt::format("{:3.0f} % ", fraction * 100);
  if (columns > around + kShortest) {
    const auto length = static_cast<unsigned>(columns - around);
    const auto done = static_cast<unsigned>(fraction * length);
    line += colour_of(Layer::Used, terminal);
    for (unsigned i = 0; i < length; ++i) {
      if (i == done) line += colour_end(terminal) + colour_of(Layer::Linux, terminal);
      const bool is_done = i < done;
      line += terminal.unicode ? (is_done ? "━" : terminal.colour ? "━" : "╌") : (is_done ? "=" : "-");
    }
    line += colour_end(terminal);
  }
  return line + "  " + where;
}

std::string progress(const LiveState& state, unsigned columns, const Terminal& terminal) {
  if (!state.sample) {
    if (state.scanned < 0) return "reading the trace";
    return progress_line(std::clamp(state.scanned, 0.0, 1.0), "reading the trace", columns, terminal);
  }
  const replay::ReplaySample& now = *state.sample;
  if (now.end.raw == 0)
    return fmt::format("{} into the trace, {}", format_seconds(to_seconds(now.time)),
                       format_counted(now.events, "event"));
  const double fraction = std::min(static_cast<double>(now.time.raw) / static_cast<double>(now.end.raw), 1.0);
  const std::string where =
      fmt::format("{:.1f} of {}", to_seconds(now.time), format_seconds(to_seconds(now.end)));
  return progress_line(fraction, where, columns, terminal);
}

std::vector<LiveBar> bars_of(const LiveState& state) {
  const replay::ReplaySample& now = *state.sample;
  std::vector<LiveBar> bars = {{"used", to_mib(now.used), Layer::Used},
                               {"free", to_mib(now.free), Layer::Nothing},
                               {"reported", to_mib(now.reported), Layer::Nothing},
                               {"resident", to_mib(now.resident), Layer::Resident}};
  if (state.compared) bars.push_back({"linux", to_mib(now.linux_resident), Layer::Linux});
  return bars;
}

}  // namespace

std::vector<std::string> live_frame(const LiveState& state, const History& history,
                                    const Terminal& terminal) {
  const std::string progress_now = progress(state, live_columns(terminal), terminal);
  if (!state.sample) return {progress_now};
  return lay_out({.title = state.title,
                  .progress = progress_now,
                  .end = state.sample->end,
                  .legend = chart_legend(state.compared, terminal),
                  .bars = bars_of(state),
                  .scale_mib = to_mib(state.sample->used + state.sample->free)},
                 history, terminal);
}

}  // namespace fallow::cli
