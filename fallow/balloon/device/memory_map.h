// The backing behind each range of guest physical addresses.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/base/check.h"
#include "fallow/base/memory_backing.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow {

/// A region of guest memory. Base and size are multiples of 4096. Two regions may map the same frames of a
/// backing: releasing a page of one releases the page of the other.
struct MappedRegion {
  GuestRegion guest;                 ///< where the guest sees the region
  MemoryBacking* backing = nullptr;  ///< must outlive the map; not null
  Pfn first;                         ///< the backing's frame behind the first frame of the region
};

/// Maps guest memory to backings. Must not change while a device uses the map. Any thread may read.
class MemoryMap {
 public:
  /// Replaces the map as GuestMemory::assign() does. Also returns InvalidArgument for a region that is not
  /// made of whole frames or has no backing.
  Status assign(std::span<const MappedRegion> regions) noexcept;

  /// Returns the same regions as the rings see them.
  const GuestMemory& guest() const noexcept { return guest_; }

  /// Returns the index of a region in guest().regions().
  std::size_t index(const GuestRegion& region) const noexcept {
    return static_cast<std::size_t>(&region - guest_.regions().data());
  }
  /// Returns the backing of the region with this index.
  MemoryBacking& backing(std::size_t region) const noexcept { return *behind(region).backing; }
  /// Returns the backing's frame behind the first frame of the region with this index.
  Pfn first(std::size_t region) const noexcept { return behind(region).first; }
  /// Returns the backing's frame behind a guest frame of the region.
  Pfn target(std::size_t region, Pfn frame) const noexcept {
    return first(region) + (frame - Pfn{guest_.regions()[region].base.raw >> kFrameShift});
  }

  /// Returns the number of frames in all regions.
  PfnCount frames() const noexcept;

 private:
  struct Target {
    MemoryBacking* backing = nullptr;
    Pfn first;
  };
  const Target& behind(std::size_t region) const noexcept {
    FALLOW_REQUIRE(region < guest_.regions().size(),
                   "MemoryMap: there is no region of this index; use one below guest().regions().size()");
    return targets_[region];
  }

  GuestMemory guest_;
  Target targets_[GuestMemory::kMaxRegions];
};

}  // namespace fallow
