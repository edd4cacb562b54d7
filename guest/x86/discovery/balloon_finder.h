// Finds the balloon, on the PCI bus or at the addresses that the command line names.
#pragma once

#include "guest/kernel/machine.h"
#include "guest/x86/bare_machine.h"
#include "guest/x86/discovery/topology.h"
#include "guest/x86/paging.h"

namespace fallow::guest::x86 {

// Once; on CPU 0. Why a balloon that is there cannot be used is said.
FoundDevice find_balloon(BareMachine& machine, Paging& paging, const Topology& topology,
                         StringRef command_line) noexcept;

}  // namespace fallow::guest::x86
