// The device's view of a guest's memory: which guest physical addresses there are, and where they lie here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/base/units.h"

namespace fallow {

struct GuestRegion {
  GuestPhys base;
  ByteCount size;
  std::byte* host = nullptr;  // where the first byte lies in this address space
};

// A map of up to kMaxRegions regions. Does not change while a device uses it. Any thread may ask.
class GuestMemory {
 public:
  static constexpr std::size_t kMaxRegions = 64;

  // Replaces the map; the regions may come in any order. InvalidArgument, and the map is as before, for more
  // than kMaxRegions regions, an empty one, one whose end does not fit 64 bits, one without host memory, or
  // two that overlap.
  Status assign(std::span<const GuestRegion> regions) noexcept;

  // Sorted by base.
  std::span<const GuestRegion> regions() const noexcept { return {regions_, count_}; }

  // The region that `address` lies in; null if none. O(log regions).
  const GuestRegion* find(GuestPhys address) const noexcept;

  // Where the `length` bytes from `address` on lie; null unless all are in one region. For length 0 the
  // address itself must be in memory.
  std::byte* translate(GuestPhys address, ByteCount length) const noexcept;

  // How many of the `length` bytes from `address` on are in memory without a gap; they may cross from one
  // region into the next.
  ByteCount present(GuestPhys address, ByteCount length) const noexcept;

  // Copies out of, and into, guest memory that the guest may write at the same time. False, and nothing was
  // copied, if not all of the range is in memory.
  bool read(GuestPhys address, std::span<std::byte> into) const noexcept;
  bool write(GuestPhys address, std::span<const std::byte> from) const noexcept;

 private:
  GuestRegion regions_[kMaxRegions];
  std::size_t count_ = 0;
};

}  // namespace fallow
