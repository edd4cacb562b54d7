// Reads what a PVH loader passes: hvm_start_info (Xen, public/arch-x86/hvm/start_info.h), versions 0 and 1.
#pragma once

#include <cstdint>

#include "guest/x86/boot/boot_info.h"
#include "guest/x86/boot/physical_window.h"

namespace fallow::guest::x86 {

// Returns false if no such block is at `address`. The tables are not trusted: at most kMostRanges ranges and
// kMostModules modules are read.
bool read_hvm_start_info(const PhysicalWindow& memory, std::uint64_t address, BootInfo& info);

}  // namespace fallow::guest::x86
