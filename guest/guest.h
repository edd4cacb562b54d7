// The machine-independent part of the demonstration guest: zones, balloon, and a workload on each CPU.
#pragma once

#include <cstdint>

#include "guest/kernel/machine.h"

namespace fallow::guest {

class Guest;

// Lays the guest out in the memory that `facts` describes, and binds the balloon driver if a device was
// found. Called once, on CPU 0. Returns null, after writing a verdict, if memory is short or the command line
// invalid.
Guest* create_guest(Machine& machine, const BootFacts& facts, const FoundDevice& device) noexcept;

// The main loop of every CPU, CPU 0 included: its share of the workload, the reporting worker, and waiting.
// Returns after the verdict, with true if the verdict is "ok". On CPU 0 the guest is then finished.
bool run_cpu(Guest& guest, std::uint32_t cpu) noexcept;

}  // namespace fallow::guest
