// The guest's memory: one zone for low memory, one for the rest, and the per-CPU caches of both.
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

// Sums over the zones. `used` excludes reserved frames.
struct MemoryFigures {
  PfnCount free, used, reported, cached, refaults;
  std::uint64_t misuses = 0;
};

class GuestZones {
 public:
  // The end of low memory: 16 MiB.
  static constexpr Pfn kLowEnd{4096};

  // Drops the highest pieces while the holes are so large that the metadata for them would take a
  // considerable share of the memory. Call before anything is carved from the layout.
  static void leave_out_far_pieces(MemoryLayout& layout, std::uint32_t cpus) noexcept;

  // Creates zones for `layout`, with a cache for each CPU and one for the driver. False if memory is short.
  bool create(Port& port, EarlyMemory& memory, const MemoryLayout& layout, std::uint32_t cpus) noexcept;

  // Reserves every frame outside the layout (holes, the image, tables). Call after the last carve and before
  // the first allocation. Returns false if no frame is left.
  bool withhold_holes(const MemoryLayout& layout) noexcept;

  std::span<Zone* const> all() const noexcept { return {zones_, count_}; }
  // The zone that the balloon inflates from: the high zone, or the only one.
  Zone& main() noexcept { return *zones_[count_ - 1]; }
  LocalCache& driver_cache() noexcept { return main().cache(cpus_); }

  // Allocates from the high zone and falls back to low memory. Called on CPU `cpu` only.
  Allocation allocate(std::uint32_t cpu, Order order, Mobility mobility = Mobility::Movable) noexcept;
  // Frees a block that any CPU allocated. Called on CPU `cpu` only.
  Status free(std::uint32_t cpu, Pfn pfn, Order order) noexcept;
  // Empty, or retire, the caches of CPU `cpu`, so that every CPU can allocate what they held.
  void drain(std::uint32_t cpu) noexcept;
  void retire(std::uint32_t cpu) noexcept;

  MemoryFigures figures() const noexcept;  // any CPU
  std::uint64_t allocations() const noexcept { return sum(&Account::allocations); }
  std::uint64_t frees() const noexcept { return sum(&Account::frees); }

 private:
  // Written by one CPU. Relaxed: the counters order no other memory access.
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
