// Summarises a guest's run in QEMU in words, a chart and a table.
#pragma once

#include <string>

#include "cli/boot/boot_run.h"
#include "cli/term/history.h"
#include "cli/term/terminal.h"

namespace fallow::cli {

// Returns lines that fit the terminal.
std::string boot_summary(const BootRequest& request, const BootRun& run, const History& history,
                         const Terminal& terminal);

}  // namespace fallow::cli
