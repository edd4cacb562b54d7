// The picture of memory: what was used over time, what was resident beyond it, and what `linux` would hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/term/history.h"
#include "cli/term/terminal.h"

namespace fallow::cli {

// What a point of the chart stands for, from the bottom up.
enum class Layer : std::uint8_t { Used, Resident, Linux, Nothing };

// Sequences that switch to a layer's colour and back; empty without colour.
std::string colour_of(Layer layer, const Terminal& terminal);
std::string colour_end(const Terminal& terminal);

// A whole character in the look of the layer.
std::string swatch(Layer layer, const Terminal& terminal);

// `length` of at most `columns` characters in a layer's look, by eighths where the terminal has them.
std::string draw_bar(double length, unsigned columns, Layer layer, const Terminal& terminal);

struct ChartSize {
  unsigned columns = 72;  // in all, the scale on the left with it
  unsigned rows = 10;     // of the picture; the time scale below takes two more
};

// Lines from the top down, without line ends. The right edge is `end`, in trace time; what has not happened
// yet is left blank. Empty if nothing was sampled or there is no room.
std::vector<std::string> draw_chart(const History& history, Nanoseconds end, ChartSize size,
                                    const Terminal& terminal);

// The key to the chart, one line; without `linux` if nothing was compared.
std::string chart_legend(bool compared, const Terminal& terminal);

}  // namespace fallow::cli
