// The page tables, shared by all CPUs. They identity-map all memory and devices, with the least rights
// needed.
#pragma once

#include <cstdint>
#include <span>

#include "guest/kernel/machine.h"
#include "guest/x86/page_pool.h"

namespace fallow::guest::x86 {

enum class Rights : std::uint8_t { None, Read, Execute, Write };

class Paging {
 public:
  // Memory above this address is not used, because its page tables would take memory from the rest.
  static constexpr std::uint64_t kHighest = std::uint64_t{1} << 40;

  // The number of pages that start() takes for these ranges, and for devices that are mapped later.
  static std::uint64_t pages_needed(std::span<const MemoryRange> memory) noexcept;

  // Refines the tables of entry.S. Below 4 GiB memory is cached and everything else is uncached, for devices;
  // memory above 4 GiB is added. Only the image's text is executable, its text and constants are read-only,
  // and page 0 is unmapped.
  void start(std::span<const MemoryRange> memory, PagePool pool) noexcept;

  // Unmaps pages of 4 KiB, so that any access faults. Call before other CPUs run.
  void unmap(MemoryRange pages) noexcept;

  // Maps a device's registers, uncached. Returns false if no page for tables is left or the address is too
  // high. Every CPU can use the mapping at once. One CPU at a time may call.
  bool map_device(MemoryRange registers) noexcept;

 private:
  std::uint64_t* entry(std::uint64_t address, unsigned level) noexcept;
  bool map_large(MemoryRange range, std::uint64_t flags) noexcept;
  void map_small(MemoryRange range, Rights rights) noexcept;
  std::uint64_t flags_of(Rights rights) const noexcept;

  PagePool pool_;
  std::uint64_t no_execute_ = 0;
};

}  // namespace fallow::guest::x86
