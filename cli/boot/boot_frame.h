// What the live view of a guest in QEMU shows at one moment.
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
  std::string doing;                 // what the guest said last, in words
  std::optional<BootSample> sample;  // the last
};

// The key to the chart of used and resident memory, one line.
std::string boot_legend(const Terminal& terminal);

// Never more lines than the terminal has rows, without line ends. A pure function.
std::vector<std::string> boot_frame(const BootState& state, const History& history, const Terminal& terminal);

}  // namespace fallow::cli
