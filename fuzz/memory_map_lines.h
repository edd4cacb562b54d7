// Reads the lines of boot loader memory maps with a second, simple implementation, for comparison with the
// guest's result.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "guest/x86/boot/physical_window.h"

namespace fallow::guest::x86 {

struct MemoryMapLines {
  std::vector<MemoryRange> usable, other;

  void add(std::uint64_t begin, std::uint64_t size, std::uint32_t type) {
    const std::uint64_t end = begin + std::min(size, ~std::uint64_t{0} - begin);
    if (begin < end) (type == 1 ? usable : other).push_back({begin, end});
  }

  // Returns whether the usable lines together cover the range.
  bool cover(MemoryRange range) const {
    for (bool further = true; further && range.begin < range.end;) {
      further = false;
      for (const MemoryRange& line : usable) {
        if (line.begin > range.begin || line.end <= range.begin) continue;
        range.begin = line.end;
        further = true;
      }
    }
    return range.begin >= range.end;
  }
};

// Xen, public/arch-x86/hvm/start_info.h: version at 4, map address at 40, number of lines at 48. The guest
// reads no line if there are more than 1024.
inline MemoryMapLines pvh_lines(const PhysicalWindow& memory, std::uint64_t block) {
  MemoryMapLines lines;
  const auto map = memory.integer<std::uint64_t>(block + 40);
  const auto count = memory.integer<std::uint32_t>(block + 48);
  if (memory.integer<std::uint32_t>(block + 4) == 0 || count > 1024) return lines;
  for (std::uint64_t i = 0; i < count && !memory.bytes(map + i * 24, 24).empty(); ++i) {
    const std::uint64_t at = map + i * 24;
    lines.add(memory.integer<std::uint64_t>(at), memory.integer<std::uint64_t>(at + 8),
              memory.integer<std::uint32_t>(at + 16));
  }
  return lines;
}

// Multiboot2 Specification 2.0, 3.4.8: tags of type 6, with the line size at 8 and the lines from 16 on.
inline MemoryMapLines multiboot2_lines(const PhysicalWindow& memory, std::uint64_t block) {
  MemoryMapLines lines;
  const std::uint64_t end = block + memory.integer<std::uint32_t>(block);
  for (std::uint64_t tag = block + 8; tag + 8 <= end;) {
    const auto type = memory.integer<std::uint32_t>(tag);
    const std::uint64_t size = memory.integer<std::uint32_t>(tag + 4);
    if (type == 0 || size < 8 || size > end - tag) break;
    const std::uint64_t line_size = size < 12 ? 0 : memory.integer<std::uint32_t>(tag + 8);
    for (std::uint64_t at = 16; type == 6 && line_size >= 20 && at + line_size <= size; at += line_size) {
      lines.add(memory.integer<std::uint64_t>(tag + at), memory.integer<std::uint64_t>(tag + at + 8),
                memory.integer<std::uint32_t>(tag + at + 16));
    }
    tag += (size + 7) / 8 * 8;
  }
  return lines;
}

}  // namespace fallow::guest::x86
