// The demonstration guest, whatever the machine: its zones, its balloon, and a workload on each CPU.
#pragma once

#include <cstdint>

#include "guest/kernel/machine.h"

namespace fallow::guest {

class Guest;

// Lays the guest out in the memory that `facts` names, and binds the balloon driver to the device if there is
// one. On CPU 0, once. Null: it cannot run (no memory, a command line that makes no sense); it has been said.
Guest* create_guest(Machine& machine, const BootFacts& facts, const FoundDevice& device) noexcept;

// What every CPU does, CPU 0 too: its share of the workload, the reporting worker, and waiting. Returns when
// the verdict is said and, on CPU 0, the guest has nothing more to do: true if the verdict is "ok".
bool run_cpu(Guest& guest, std::uint32_t cpu) noexcept;

}  // namespace fallow::guest
