// The facts that the boot loader passes, in a loader-independent form and copied out of its memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "guest/kernel/machine.h"
#include "guest/protocol/text.h"
#include "guest/x86/boot/physical_window.h"
#include "guest/x86/boot/range_set.h"

namespace fallow::guest::x86 {

struct BootInfo {
  static constexpr std::size_t kMostRanges = 128;
  static constexpr std::size_t kMostModules = 16;

  StringRef loader;
  RangeSet<kMostRanges> usable;       // free memory; may contain the image and the modules
  FixedString<2048> command_line;     // truncated if longer
  MemoryRange modules[kMostModules];  // address ranges; further modules are ignored
  std::size_t module_count = 0;
  std::uint64_t rsdp = 0;  // 0 if unknown
  StringRef warning;       // a recoverable error, or empty
};

// Reads the entries of a memory map. Maps may be unsorted and overlapping. Where two entries overlap, the one
// that is not usable wins.
class MemoryMapReader {
 public:
  explicit MemoryMapReader(BootInfo& info) : info_(info) {}

  // Add every usable entry first, then remove every other one. A size beyond the end of the address space is
  // clamped.
  void add_usable(std::uint64_t begin, std::uint64_t size) {
    if (!info_.usable.add({begin, end_of(begin, size)})) {
      info_.warning = "the memory map has too many entries: some memory is not used";
    }
  }
  void remove_other(std::uint64_t begin, std::uint64_t size) {
    if (!info_.usable.remove({begin, end_of(begin, size)})) {
      info_.warning = "the memory map has too many holes: some memory is not used";
    }
  }

 private:
  static std::uint64_t end_of(std::uint64_t begin, std::uint64_t size) {
    return size > ~std::uint64_t{0} - begin ? ~std::uint64_t{0} : begin + size;
  }

  BootInfo& info_;
};

// Copies the null-terminated text at `address`, truncated to the buffer.
inline void copy_command_line(const PhysicalWindow& memory, std::uint64_t address, BootInfo& info) {
  while (!info.command_line.full()) {
    const auto character = static_cast<char>(memory.integer<std::uint8_t>(address++));
    if (character == '\0') return;
    info.command_line.put(character);
  }
  info.warning = "the command line is longer than 2048 bytes: the rest is ignored";
}

// Records the range; the module itself is not copied.
inline void add_module(MemoryRange range, BootInfo& info) {
  if (range.begin < range.end && info.module_count < BootInfo::kMostModules) {
    info.modules[info.module_count++] = range;
  }
}

}  // namespace fallow::guest::x86
