#include "apps/fallow/live_frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/fallow/chart.h"
#include "apps/fallow/human.h"

namespace fallow {
namespace {

constexpr unsigned kWidest = 100;

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
  const ReplaySample& now = *state.sample;
  if (now.end.raw == 0)
    return fmt::format("{} into the trace, {}", format_seconds(to_seconds(now.time)),
                       format_counted(now.events, "event"));
  const double fraction = std::min(static_cast<double>(now.time.raw) / static_cast<double>(now.end.raw), 1.0);
  const std::string where =
      fmt::format("{:.1f} of {}", to_seconds(now.time), format_seconds(to_seconds(now.end)));
  return progress_line(fraction, where, columns, terminal);
}

std::vector<std::string> bar_lines(const LiveState& state, unsigned columns, const Terminal& terminal) {
  struct Row {
    const char* name;
    PfnCount amount;
    Layer layer;
  };
  const ReplaySample& now = *state.sample;
  std::vector<Row> rows = {{"used", now.used, Layer::Used},
                           {"free", now.free, Layer::Nothing},
                           {"reported", now.reported, Layer::Nothing},
                           {"resident", now.resident, Layer::Resident}};
  if (state.compared) rows.push_back({"linux", now.linux_resident, Layer::Linux});

  PfnCount scale = now.used + now.free;
  for (const Row& row : rows) scale = std::max(scale, row.amount);
  std::vector<std::string> lines;
  for (const Row& row : rows) {
    std::string line = fmt::format("{:<9}{:>10}", row.name, format_mib(to_mib(row.amount)));
    const std::size_t around = line.size() + 2;
    if (columns > around && scale.raw > 0) {
      const auto room = static_cast<unsigned>(columns - around);
      const double length = static_cast<double>(row.amount.raw) / static_cast<double>(scale.raw) * room;
      // Free memory is nobody's: its bars have the used memory's shape but no colour of their own.
      const bool plain = row.layer == Layer::Nothing;
      Terminal look = terminal;
      look.colour = terminal.colour && !plain;
      line += "  " + draw_bar(length, room, plain ? Layer::Used : row.layer, look);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::vector<std::string> live_frame(const LiveState& state, const History& history,
                                    const Terminal& terminal) {
  constexpr unsigned kHighestChart = 10;
  constexpr unsigned kLowestChart = 3;
  // The last column stays blank: what clears the rest of a line would clear a character there.
  const unsigned columns = std::min(std::max(terminal.columns, 2u) - 1, kWidest);
  std::vector<std::string> lines = {progress(state, columns, terminal)};
  if (!state.sample) return lines;

  // One row is left for the cursor below the frame.
  const auto room_beside = [&](std::size_t count) {
    const std::size_t taken = lines.size() + count + 1;
    return terminal.rows > taken ? static_cast<unsigned>(terminal.rows - taken) : 0u;
  };
  const std::vector<std::string> bars = bar_lines(state, columns, terminal);
  if (room_beside(0) < bars.size()) return lines;

  // The chart takes two rows more than its picture, its key one, the title another.
  const unsigned chart_room = room_beside(bars.size() + 4);
  if (chart_room >= kLowestChart) {
    lines.insert(lines.begin(), state.title);
    const ChartSize size{.columns = columns, .rows = std::min(chart_room, kHighestChart)};
    for (std::string& line : draw_chart(history, state.sample->end, size, terminal))
      lines.push_back(std::move(line));
    lines.push_back(chart_legend(state.compared, terminal));
  }
  lines.insert(lines.end(), bars.begin(), bars.end());
  return lines;
}

}  // namespace fallow
