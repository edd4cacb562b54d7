#include "cli/term/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cli/term/format.h"

namespace fallow::cli {
namespace {

constexpr unsigned kScaleColumns = 11;
constexpr unsigned kEighths = 8;
constexpr std::array<const char*, kEighths + 1> kBlocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<const char*, kEighths + 1> kLeftBlocks = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};

struct Look {
  const char* colour;
  const char* shade;
  const char* ascii;
};

const Look& look_of(Layer layer) {
  static constexpr std::array<Look, 4> kLooks = {
      {{"\x1b[32m", "█", "#"}, {"\x1b[33m", "▒", "+"}, {"\x1b[90m", "░", "."}, {"", " ", " "}}};
  return kLooks.at(static_cast<std::size_t>(layer));
}

const char* shade_of(Layer layer, const Terminal& terminal) {
  return terminal.unicode ? look_of(layer).shade : look_of(layer).ascii;
}

Layer layer_at(const HistoryPoint& point, double mib) {
  if (mib < point.used) return Layer::Used;
  if (mib < point.resident) return Layer::Resident;
  if (mib < point.linux) return Layer::Linux;
  return Layer::Nothing;
}

// Draws one character: a range of memory at one time. The top of used memory is drawn in eighths. The other
// layers differ by their shade, so that the chart is readable without colours.
std::string draw_cell(const HistoryPoint& point, double from_mib, double to_mib, const Terminal& terminal) {
  const auto layer_of_eighth = [&](unsigned i) {
    return layer_at(point, from_mib + (to_mib - from_mib) * (i + 0.5) / kEighths);
  };
  const bool top_of_used =
      layer_of_eighth(0) == Layer::Used && layer_of_eighth(kEighths - 1) == Layer::Nothing;
  if (terminal.unicode && top_of_used) {
    unsigned height = 1;
    while (layer_of_eighth(height) == Layer::Used) ++height;
    return colour_of(Layer::Used, terminal) + kBlocks.at(height) + colour_end(terminal);
  }
  const Layer layer = layer_of_eighth(kEighths / 2);
  if (layer == Layer::Nothing) return " ";
  return colour_of(layer, terminal) + shade_of(layer, terminal) + colour_end(terminal);
}

std::string scale_label(unsigned row, unsigned rows, double highest, const Terminal& terminal) {
  const bool labelled = row + 1 == rows || row == rows / 2;
  const std::string label = labelled ? format_mib(highest * (row + 1) / rows) : "";
  return fmt::format("{:>{}} {}", label, kScaleColumns - 2, terminal.unicode ? "│" : "|");
}

}  // namespace

std::string colour_of(Layer layer, const Terminal& terminal) {
  return terminal.colour ? look_of(layer).colour : "";
}

std::string colour_end(const Terminal& terminal) { return terminal.colour ? "\x1b[0m" : ""; }

std::string swatch(Layer layer, const Terminal& terminal) {
  return colour_of(layer, terminal) + shade_of(layer, terminal) + colour_end(terminal);
}

std::string draw_bar(double length, unsigned columns, Layer layer, const Terminal& terminal) {
  const double inside = std::clamp(length, 0.0, static_cast<double>(columns));
  const auto eighths = static_cast<unsigned>(std::lround(inside * kEighths));
  const bool fine = terminal.unicode && layer == Layer::Used;
  const char* whole = fine ? kBlocks.back() : shade_of(layer, terminal);
  std::string bar = colour_of(layer, terminal);
  const unsigned wholes = fine ? eighths / kEighths : (eighths + kEighths / 2) / kEighths;
  for (unsigned i = 0; i < wholes; ++i) bar += whole;
  if (fine) bar += kLeftBlocks.at(eighths % kEighths);
  return bar + colour_end(terminal);
}

std::vector<std::string> draw_chart(const History& history, Nanoseconds end, ChartSize size,
                                    const Terminal& terminal) {
  constexpr unsigned kFewest = 8;
  if (history.empty() || size.rows == 0 || size.columns < kScaleColumns + kFewest) return {};
  const unsigned columns = size.columns - kScaleColumns;
  const double highest = std::max(history.highest_mib(), 1.0);
  const Nanoseconds right = std::max(end, history.last());
  const auto time_of = [&](unsigned column) {
    return Nanoseconds{static_cast<std::uint64_t>(static_cast<double>(right.raw) * column / columns)};
  };
  std::vector<HistoryPoint> points(columns);
  for (unsigned x = 0; x < columns; ++x)
    points[x] = history.average(time_of(x), time_of(x + 1)).value_or(HistoryPoint{});

  std::vector<std::string> lines;
  for (unsigned row = size.rows; row-- > 0;) {
    std::string line = scale_label(row, size.rows, highest, terminal);
    for (const HistoryPoint& point : points)
      line += draw_cell(point, highest * row / size.rows, highest * (row + 1) / size.rows, terminal);
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  std::string axis = fmt::format("{:>{}} {}", "0 MiB", kScaleColumns - 2, terminal.unicode ? "└" : "+");
  for (unsigned x = 0; x < columns; ++x) axis += terminal.unicode ? "─" : "-";
  lines.push_back(std::move(axis));
  lines.push_back(
      fmt::format("{:{}}0 s{:>{}}", "", kScaleColumns, format_seconds(to_seconds(right)), columns - 3));
  return lines;
}

std::string chart_legend(bool compared, const Terminal& terminal) {
  std::string legend = fmt::format("{} used   {} resident but not used", swatch(Layer::Used, terminal),
                                   swatch(Layer::Resident, terminal));
  if (compared) legend += fmt::format("   {} also resident with linux", swatch(Layer::Linux, terminal));
  return legend;
}

}  // namespace fallow::cli
