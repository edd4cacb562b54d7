// Finds the balloon, on the PCI bus or at the addresses that the command line names.
#pragma once

#include "apps/guest/machine.h"
#include "apps/guest/x86/bare_machine.h"
#include "apps/guest/x86/paging.h"
#include "apps/guest/x86/topology.h"

namespace fallow::guest::x86 {

// Once; on CPU 0. Why a balloon that is there cannot be used is said.
FoundDevice find_balloon(BareMachine& machine, Paging& paging, const Topology& topology,
                         Text command_line) noexcept;

}  // namespace fallow::guest::x86
