#include "cli/term/live_layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

std::vector<std::string> bar_lines(const LivePicture& picture, unsigned columns, const Terminal& terminal) {
  double scale = picture.scale_mib;
  for (const LiveBar& bar : picture.bars) scale = std::max(scale, bar.mib);
  std::vector<std::string> lines;
  for (const LiveBar& bar : picture.bars) {
    std::string line = fmt::format("{:<9}{:>10}", bar.name, format_mib(bar.mib));
    const std::size_t around = line.size() + 2;
    if (columns > around && scale > 0) {
      const auto room = static_cast<unsigned>(columns - around);
      const bool plain = bar.layer == Layer::Nothing;
      Terminal look = terminal;
      look.colour = terminal.colour && !plain;
      line += "  " + draw_bar(bar.mib / scale * room, room, plain ? Layer::Used : bar.layer, look);
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

unsigned live_columns(const Terminal& terminal) {
  constexpr unsigned kWidest = 100;
  return std::min(std::max(terminal.columns, 2u) - 1, kWidest);
}

std::vector<std::string> lay_out(const LivePicture& picture, const History& history,
                                 const Terminal& terminal) {
  constexpr unsigned kHighestChart = 10;
  constexpr unsigned kLowestChart = 3;
  const unsigned columns = live_columns(terminal);
  std::vector<std::string> lines = {picture.progress};

  // One row stays free for the cursor below the frame.
  const auto room_beside = [&](std::size_t count) {
    const std::size_t taken = lines.size() + count + 1;
    return terminal.rows > taken ? static_cast<unsigned>(terminal.rows - taken) : 0u;
  };
  const std::vector<std::string> bars = bar_lines(picture, columns, terminal);
  if (room_beside(0) < bars.size()) return lines;

  // Besides its rows, the chart needs two for the time axis, one for the legend and one for the title.
  const unsigned chart_room = room_beside(bars.size() + 4);
  if (chart_room >= kLowestChart) {
    lines.insert(lines.begin(), picture.title);
    const ChartSize size{.columns = columns, .rows = std::min(chart_room, kHighestChart)};
    for (std::string& line : draw_chart(history, picture.end, size, terminal))
      lines.push_back(std::move(line));
    lines.push_back(picture.legend);
  }
  lines.insert(lines.end(), bars.begin(), bars.end());
  return lines;
}

}  // namespace fallow::cli
