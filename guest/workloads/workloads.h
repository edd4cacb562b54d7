// Creates workloads by kind.
#pragma once

#include "guest/kernel/context.h"
#include "guest/kernel/early_memory.h"
#include "guest/workloads/workload.h"

namespace fallow::guest {

// Creates the workload that the command line names. Returns null if memory is short, or if context.errors
// holds an error text.
Workload* create_workload(Context& context, EarlyMemory& memory) noexcept;

}  // namespace fallow::guest
