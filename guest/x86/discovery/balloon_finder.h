// Finds the balloon device, on the PCI bus or at the addresses that the command line names.
#pragma once

#include "guest/kernel/machine.h"
#include "guest/x86/bare_machine.h"
#include "guest/x86/discovery/topology.h"
#include "guest/x86/paging.h"

namespace fallow::guest::x86 {

// Called once, on CPU 0. Writes the reason if a balloon device exists but cannot be used.
FoundDevice find_balloon(BareMachine& machine, Paging& paging, const Topology& topology,
                         StringRef command_line) noexcept;

}  // namespace fallow::guest::x86
