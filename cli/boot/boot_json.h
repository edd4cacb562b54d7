// A guest in QEMU for machines: one JSON object, and the samples as comma-separated values.
#pragma once

#include <string>

#include "cli/boot/boot_run.h"

namespace fallow::cli {

// Indented by two, ends with a newline. The fields and their order are part of the interface
// (fallow-boot(1)); what is not known is null.
std::string boot_json(const BootRequest& request, const BootRun& run);

// The names of the columns, then a row for each sample.
std::string boot_csv(const BootRun& run);

}  // namespace fallow::cli
