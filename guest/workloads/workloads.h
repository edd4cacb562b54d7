// The workloads by name.
#pragma once

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

// The one that the command line names. Null: there is not enough memory for it, or what context.findings
// complains of.
Workload* create_workload(Context& context, EarlyMemory& memory) noexcept;

}  // namespace fallow::guest
