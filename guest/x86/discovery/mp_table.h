// Reads the processor table of a machine without ACPI (MultiProcessor Specification 1.4, 4).
#pragma once

#include "guest/x86/boot/physical_window.h"
#include "guest/x86/discovery/topology.h"

namespace fallow::guest::x86 {

// Returns false, with `topology` unchanged, if there is no valid table.
bool read_mp_table(const PhysicalWindow& memory, Topology& topology);

}  // namespace fallow::guest::x86
