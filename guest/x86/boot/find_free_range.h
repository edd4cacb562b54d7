// Finds memory for the machine itself, before an allocator exists.
#pragma once

#include <cstdint>
#include <span>

#include "guest/kernel/machine.h"
#include "guest/x86/boot/boot_info.h"

namespace fallow::guest::x86 {

// Returns the lowest page-aligned range of `size` bytes within `within` that is usable and not taken, or an
// empty range.
inline MemoryRange find_free_range(const BootInfo& info, std::span<const MemoryRange> taken,
                                   MemoryRange within, std::uint64_t size) {
  auto left = info.usable;
  for (const MemoryRange& range : taken) left.remove(range);
  left.remove({0, within.begin});
  left.remove({within.end, ~std::uint64_t{0}});
  for (const MemoryRange& range : left.ranges()) {
    const std::uint64_t begin = (range.begin + 4095) & ~std::uint64_t{4095};
    if (begin >= range.begin && begin <= range.end && range.end - begin >= size) return {begin, begin + size};
  }
  return {};
}

}  // namespace fallow::guest::x86
