// A guest in QEMU in words, a picture and a table, for people.
#pragma once

#include <string>

#include "apps/fallow/boot_run.h"
#include "apps/fallow/history.h"
#include "apps/fallow/terminal.h"

namespace fallow {

// In lines that fit the terminal.
std::string boot_summary(const BootRequest& request, const BootRun& run, const History& history,
                         const Terminal& terminal);

}  // namespace fallow
