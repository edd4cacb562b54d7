// The table of processors from before ACPI (MultiProcessor Specification 1.4, 4): what a machine without ACPI
// has.
#pragma once

#include "guest/x86/boot/physical_window.h"
#include "guest/x86/discovery/topology.h"

namespace fallow::guest::x86 {

// False: no table that adds up; `topology` is as it was.
bool read_mp_table(const PhysicalWindow& memory, Topology& topology);

}  // namespace fallow::guest::x86
