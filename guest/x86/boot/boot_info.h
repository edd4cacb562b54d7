// What a boot loader said, in our own words and copied out of its memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/kernel/machine.h"
#include "guest/protocol/fixed_string.h"
#include "guest/protocol/string_ref.h"
#include "guest/x86/boot/physical_window.h"
#include "guest/x86/boot/range_set.h"

namespace fallow::guest::x86 {

struct BootInfo {
  static constexpr std::size_t kMostRanges = 128;
  static constexpr std::size_t kMostModules = 16;

  StringRef loader;
  RangeSet<kMostRanges> usable;       // memory that is nobody's: the image and the modules may lie in it
  FixedString<2048> command_line;     // cut if longer
  MemoryRange modules[kMostModules];  // where they lie; more than these are lost
  std::size_t module_count = 0;
  std::uint64_t rsdp = 0;  // 0: not said
  StringRef complaint;     // what was wrong and could be worked around; empty: nothing
};

// One line of a loader's memory map. Maps come unsorted and with overlaps: of what two lines claim, the one
// that does not say usable is right.
class MemoryMapReader {
 public:
  explicit MemoryMapReader(BootInfo& info) : info_(info) {}

  // First every line that is usable, then every one that is not. A size beyond the end of the address space
  // ends there.
  void add_usable(std::uint64_t begin, std::uint64_t size) {
    if (!info_.usable.add({begin, end_of(begin, size)})) {
      info_.complaint = "the memory map has too many lines: some memory is left out";
    }
  }
  void remove_other(std::uint64_t begin, std::uint64_t size) {
    if (!info_.usable.remove({begin, end_of(begin, size)})) {
      info_.complaint = "the memory map has too many holes: some memory is left out";
    }
  }

 private:
  static std::uint64_t end_of(std::uint64_t begin, std::uint64_t size) {
    return size > ~std::uint64_t{0} - begin ? ~std::uint64_t{0} : begin + size;
  }

  BootInfo& info_;
};

// The text at `address` up to its zero character, or what of it fits.
inline void copy_command_line(const PhysicalWindow& memory, std::uint64_t address, BootInfo& info) {
  while (!info.command_line.full()) {
    const auto character = static_cast<char>(memory.integer<std::uint8_t>(address++));
    if (character == '\0') return;
    info.command_line.put(character);
  }
  info.complaint = "the command line is too long: its end is left out";
}

// Copied as a range; the module stays where it is.
inline void add_module(MemoryRange range, BootInfo& info) {
  if (range.begin < range.end && info.module_count < BootInfo::kMostModules) {
    info.modules[info.module_count++] = range;
  }
}

}  // namespace fallow::guest::x86
