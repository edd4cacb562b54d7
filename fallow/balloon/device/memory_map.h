// Which backing stands for which guest physical addresses.
#pragma once

#include <cstddef>
#include <span>

#include "fallow/base/memory_backing.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow {

// A region of guest memory. Base and size are multiples of 4096. Two regions may stand for the same frames
// of a backing: whoever gives up a page of one gives up that of the other.
struct MappedRegion {
  GuestRegion guest;
  MemoryBacking* backing = nullptr;
  Pfn first;  // the backing's frame that stands for the region's first
};

// As GuestMemory: does not change while a device uses it.
class MemoryMap {
 public:
  // As GuestMemory::assign(); also InvalidArgument for a region that is not of whole frames or has no
  // backing.
  Status assign(std::span<const MappedRegion> regions) noexcept;

  const GuestMemory& guest() const noexcept { return guest_; }

  // The place of a region of guest().regions() there.
  std::size_t index(const GuestRegion& region) const noexcept {
    return static_cast<std::size_t>(&region - guest_.regions().data());
  }
  // Of a region, by its place.
  MemoryBacking& backing(std::size_t region) const noexcept { return *targets_[region].backing; }
  Pfn first(std::size_t region) const noexcept { return targets_[region].first; }
  // The backing's frame that stands for a guest frame of the region.
  Pfn target(std::size_t region, Pfn frame) const noexcept {
    return first(region) + (frame - Pfn{guest_.regions()[region].base.raw >> kFrameShift});
  }

  // Frames in all regions.
  PfnCount frames() const noexcept;

 private:
  struct Target {
    MemoryBacking* backing = nullptr;
    Pfn first;
  };
  GuestMemory guest_;
  Target targets_[GuestMemory::kMaxRegions];
};

}  // namespace fallow
