// The table of processors from before ACPI (MultiProcessor Specification 1.4, 4): what a machine without ACPI
// has.
#pragma once

#include "apps/guest/x86/physical_window.h"
#include "apps/guest/x86/topology.h"

namespace fallow::guest::x86 {

// False: no table that adds up; `topology` is as it was.
bool read_mp_table(const PhysicalWindow& memory, Topology& topology);

}  // namespace fallow::guest::x86
