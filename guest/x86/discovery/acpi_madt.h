// Reads the ACPI table of processors and interrupt controllers (ACPI 6.4, 5.2.12).
#pragma once

#include <cstdint>

#include "guest/x86/boot/physical_window.h"
#include "guest/x86/discovery/topology.h"

namespace fallow::guest::x86 {

// `rsdp` is the address from the loader. If it is 0 or wrong, the standard locations of PC firmware are
// searched. Returns false, with `topology` unchanged, if there is no valid table.
bool read_madt(const PhysicalWindow& memory, std::uint64_t rsdp, Topology& topology);

}  // namespace fallow::guest::x86
