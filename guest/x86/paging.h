// The page tables that every CPU uses: all memory and all devices where they are, each with the rights it
// needs.
#pragma once

#include <cstdint>
#include <span>

#include "guest/kernel/machine.h"
#include "guest/x86/page_pool.h"

namespace fallow::guest::x86 {

enum class Rights : std::uint8_t { None, Read, Execute, Write };

class Paging {
 public:
  // What lies higher is not used: its tables alone would take memory from all the rest.
  static constexpr std::uint64_t kHighest = std::uint64_t{1} << 40;

  // How many pages start() takes for memory in these ranges, and for devices that are mapped later.
  static std::uint64_t pages_needed(std::span<const MemoryRange> memory) noexcept;

  // From the tables of entry.S on: below 4 GiB memory is cached and the rest is not, as is fit for devices;
  // memory above 4 GiB is added. Nothing but the image's text can be executed, its text and constants cannot
  // be written, and page 0 is not there.
  void start(std::span<const MemoryRange> memory, PagePool pool) noexcept;

  // Takes pages of 4 KiB away, so that their use is a page fault. Before other CPUs run.
  void unmap(MemoryRange pages) noexcept;

  // Uncached, for a device's registers. False: no memory for tables is left, or it lies too high. Any CPU may
  // use it at once; one CPU at a time may ask.
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
