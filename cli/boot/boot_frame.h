// One frame of the live view of a guest in QEMU.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/boot/boot_measure.h"
#include "cli/term/history.h"
#include "cli/term/terminal.h"

namespace fallow::cli {

struct BootState {
  std::string title;
  ByteCount memory;                  // the guest's
  std::string doing;                 // the guest's last event in words
  std::optional<BootSample> sample;  // the last
};

// Returns the legend of the chart in one line.
std::string boot_legend(const Terminal& terminal);

// Returns lines without line ends, at most as many as the terminal has rows. A pure function.
std::vector<std::string> boot_frame(const BootState& state, const History& history, const Terminal& terminal);

}  // namespace fallow::cli
