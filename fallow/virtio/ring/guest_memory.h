// The device's view of guest memory: the guest physical addresses that exist, and their host addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/base/units.h"

namespace fallow {

/// Guest physical addresses without a gap, and the host memory behind them.
struct GuestRegion {
  GuestPhys base;             ///< the first address
  ByteCount size;             ///< at least 1; base plus size fits in 64 bits
  std::byte* host = nullptr;  ///< address of the first byte in this process
};

/// A map of up to kMaxRegions regions. Must not change while a device uses the map. Any thread may read.
class GuestMemory {
 public:
  /// The number of regions of a map.
  static constexpr std::size_t kMaxRegions = 64;

  /// Replaces the map; the regions may be in any order. Returns InvalidArgument and keeps the map for more
  /// than kMaxRegions regions, an empty region, a region whose end does not fit in 64 bits, a region without
  /// host memory, or two regions that overlap.
  Status assign(std::span<const GuestRegion> regions) noexcept;

  /// Returns the regions sorted by base.
  std::span<const GuestRegion> regions() const noexcept { return {regions_, count_}; }

  /// Returns the region that contains `address`; null if none does. O(log regions).
  const GuestRegion* find(GuestPhys address) const noexcept;

  /// Returns the host address of the `length` bytes from `address` on; null unless all bytes are in one
  /// region. For length 0 the address itself must be in memory.
  std::byte* translate(GuestPhys address, ByteCount length) const noexcept;

  /// Returns how many of the `length` bytes from `address` on are in memory without a gap; the bytes may
  /// cross into the next region.
  ByteCount present(GuestPhys address, ByteCount length) const noexcept;

  /// Copy from and to guest memory that the guest may write concurrently. Both return false and copy nothing
  /// if any byte of the range is not in memory.
  /// @{
  bool read(GuestPhys address, std::span<std::byte> into) const noexcept;
  bool write(GuestPhys address, std::span<const std::byte> from) const noexcept;
  /// @}

 private:
  GuestRegion regions_[kMaxRegions];
  std::size_t count_ = 0;
};

}  // namespace fallow
