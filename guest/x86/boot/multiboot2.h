// What a multiboot2 loader leaves: a block of tags (Multiboot2 Specification 2.0, 3.4).
#pragma once

#include <cstdint>

#include "guest/x86/boot/boot_info.h"
#include "guest/x86/boot/physical_window.h"

namespace fallow::guest::x86 {

// In eax at the entry.
inline constexpr std::uint32_t kMultiboot2Magic = 0x36d76289;

// False: what is at `address` is not such a block. A tag that claims more than the block has ends the
// reading. Of two command lines the last counts, and two memory maps are read as one.
bool read_multiboot2(const PhysicalWindow& memory, std::uint64_t address, BootInfo& info);

}  // namespace fallow::guest::x86
