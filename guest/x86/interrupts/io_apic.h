// The I/O APICs, which also serve interrupt lines above 15.
#pragma once

#include <cstdint>

#include "guest/x86/discovery/topology.h"

namespace fallow::guest::x86 {

// Routes an interrupt line, level-triggered and active-high, to the CPU with that APIC ID. Returns false if
// no I/O APIC of `topology` has the line. Without any I/O APIC in `topology`, one at the usual address is
// assumed.
bool route_line(const Topology& topology, std::uint32_t line, std::uint32_t apic_id,
                std::uint8_t vector) noexcept;
void mask_line(const Topology& topology, std::uint32_t line) noexcept;

}  // namespace fallow::guest::x86
