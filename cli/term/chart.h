// The chart of memory over time: used, resident beyond that, and what would be resident with policy `linux`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/term/history.h"
#include "cli/term/terminal.h"

namespace fallow::cli {

// The layers of the chart, from the bottom up.
enum class Layer : std::uint8_t { Used, Resident, Linux, Nothing };

// Escape sequences that select a layer's colour and reset it; empty without colour.
std::string colour_of(Layer layer, const Terminal& terminal);
std::string colour_end(const Terminal& terminal);

// Returns one character in the colour and shade of the layer.
std::string swatch(Layer layer, const Terminal& terminal);

// Draws a bar of `length`, at most `columns`, characters; in eighths of a character with Unicode.
std::string draw_bar(double length, unsigned columns, Layer layer, const Terminal& terminal);

struct ChartSize {
  unsigned columns = 72;  // including the scale on the left
  unsigned rows = 10;     // excluding the time axis, which takes two more
};

// Returns lines from the top down, without line ends. The right edge is `end`, in trace time; the time that
// has not been sampled yet stays blank. Empty if there are no samples or too few rows or columns.
std::vector<std::string> draw_chart(const History& history, Nanoseconds end, ChartSize size,
                                    const Terminal& terminal);

// Returns the legend of the chart in one line; without `linux` unless `compared`.
std::string chart_legend(bool compared, const Terminal& terminal);

}  // namespace fallow::cli
