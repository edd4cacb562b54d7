// What a PVH loader leaves: hvm_start_info (Xen, public/arch-x86/hvm/start_info.h), versions 0 and 1.
#pragma once

#include <cstdint>

#include "guest/x86/boot/boot_info.h"
#include "guest/x86/boot/physical_window.h"

namespace fallow::guest::x86 {

// False: there is none at `address`. Whatever its tables say, at most kMostRanges ranges and kMostModules
// modules are read of them.
bool read_hvm_start_info(const PhysicalWindow& memory, std::uint64_t address, BootInfo& info);

}  // namespace fallow::guest::x86
