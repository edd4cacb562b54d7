// The results of a guest in QEMU for programs: one JSON object, and the samples as comma-separated values.
#pragma once

#include <string>

#include "cli/boot/boot_run.h"

namespace fallow::cli {

// Returns an object indented by two, with a final newline. The fields and their order are part of the
// interface (fallow-boot(1)). Unknown values are null.
std::string boot_json(const BootRequest& request, const BootRun& run);

// Returns a header with the names of the columns, and a row for each sample.
std::string boot_csv(const BootRun& run);

}  // namespace fallow::cli
