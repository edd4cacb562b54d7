// The interrupt controllers that lines beyond 15 go to, too.
#pragma once

#include <cstdint>

#include "guest/x86/discovery/topology.h"

namespace fallow::guest::x86 {

// Sends a line of the machine, level triggered and active high, to the CPU of that APIC ID. False: no I/O
// APIC of `topology` has that line. Without any, one is taken to be where a PC has it.
bool route_line(const Topology& topology, std::uint32_t line, std::uint32_t apic_id,
                std::uint8_t vector) noexcept;
void mask_line(const Topology& topology, std::uint32_t line) noexcept;

}  // namespace fallow::guest::x86
