// The guest's memory: low memory and the rest, a zone each, and what every CPU allocates from them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/platform/port.h"
#include "fallow/zone/local_cache.h"
#include "fallow/zone/zone.h"
#include "fallow/zone/zone_stats.h"
#include "guest/kernel/early_memory.h"
#include "guest/kernel/memory_layout.h"

namespace fallow::guest {

// Sums over the zones; `used` without what is withheld for good.
struct MemoryFigures {
  PfnCount free, used, reported, cached, refaults;
  std::uint64_t misuses = 0;
};

class GuestZones {
 public:
  // Where low memory ends: 16 MiB.
  static constexpr Pfn kLowEnd{4096};

  // Leaves out the highest pieces while pieces lie so far apart that the tables of what is between them would
  // be large beside the memory. Before anything is taken from the layout.
  static void leave_out_far_pieces(MemoryLayout& layout, std::uint32_t cpus) noexcept;

  // Zones for `layout`, with a cache for each CPU and one for the driver. False: not enough memory.
  bool create(Port& port, EarlyMemory& memory, const MemoryLayout& layout, std::uint32_t cpus) noexcept;

  // Once nothing is taken from the layout any more, and before the first allocation: what is not in it
  // (holes, the image, tables) is not to be had. False: nothing is left.
  bool withhold_holes(const MemoryLayout& layout) noexcept;

  std::span<Zone* const> all() const noexcept { return {zones_, count_}; }
  // Where the balloon takes from: the rest, or what there is.
  Zone& main() noexcept { return *zones_[count_ - 1]; }
  LocalCache& driver_cache() noexcept { return main().cache(cpus_); }

  // From the rest, and when there is nothing, from low memory. CPU `cpu` alone.
  Allocation allocate(std::uint32_t cpu, Order order, Mobility mobility = Mobility::Movable) noexcept;
  // Wherever it was allocated. CPU `cpu` alone.
  Status free(std::uint32_t cpu, Pfn pfn, Order order) noexcept;
  // The caches of CPU `cpu`: what they hold is everybody's.
  void drain(std::uint32_t cpu) noexcept;
  void retire(std::uint32_t cpu) noexcept;

  MemoryFigures figures() const noexcept;  // any CPU
  std::uint64_t allocations() const noexcept { return sum(&Account::allocations); }
  std::uint64_t frees() const noexcept { return sum(&Account::frees); }

 private:
  // Written by one CPU; relaxed, as counts order nothing.
  struct alignas(64) Account {
    std::atomic<std::uint64_t> allocations{0}, frees{0};
  };
  static void bump(std::atomic<std::uint64_t>& n) noexcept {
    n.store(n.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  std::uint64_t sum(std::atomic<std::uint64_t> Account::*member) const noexcept;

  Zone* zones_[2] = {};
  std::size_t count_ = 0;
  std::uint32_t cpus_ = 0;
  std::span<Account> accounts_;
};

}  // namespace fallow::guest
