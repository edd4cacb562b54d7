// Reads what a multiboot2 loader passes: a block of tags (Multiboot2 Specification 2.0, 3.4).
#pragma once

#include <cstdint>

#include "guest/x86/boot/boot_info.h"
#include "guest/x86/boot/physical_window.h"

namespace fallow::guest::x86 {

// The value of eax at the entry.
inline constexpr std::uint32_t kMultiboot2Magic = 0x36d76289;

// Returns false if no such block is at `address`. A tag larger than the rest of the block ends the walk. The
// last command line counts; several memory maps are read as one.
bool read_multiboot2(const PhysicalWindow& memory, std::uint64_t address, BootInfo& info);

}  // namespace fallow::guest::x86
