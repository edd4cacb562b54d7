// The table of ACPI that names processors and interrupt controllers (ACPI 6.4, 5.2.12).
#pragma once

#include <cstdint>

#include "guest/x86/boot/physical_window.h"
#include "guest/x86/discovery/topology.h"

namespace fallow::guest::x86 {

// `rsdp` as the loader said; 0, or nothing of the kind there: it is looked for where a PC's firmware leaves
// it. False: no table that adds up; `topology` is as it was.
bool read_madt(const PhysicalWindow& memory, std::uint64_t rsdp, Topology& topology);

}  // namespace fallow::guest::x86
