// The workloads by name.
#pragma once

#include "apps/guest/context.h"
#include "apps/guest/early_memory.h"
#include "apps/guest/workload.h"

namespace fallow::guest {

// The one that the command line names. Null: there is not enough memory for it, or what context.findings
// complains of.
Workload* create_workload(Context& context, EarlyMemory& memory) noexcept;

}  // namespace fallow::guest
