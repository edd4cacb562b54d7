// A guest in QEMU in words, a picture and a table, for people.
#pragma once

#include <string>

#include "cli/boot/boot_run.h"
#include "cli/term/history.h"
#include "cli/term/terminal.h"

namespace fallow::cli {

// In lines that fit the terminal.
std::string boot_summary(const BootRequest& request, const BootRun& run, const History& history,
                         const Terminal& terminal);

}  // namespace fallow::cli
