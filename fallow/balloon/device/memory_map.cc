#include "fallow/balloon/device/memory_map.h"

namespace fallow {
namespace {

bool whole(const MappedRegion& region) noexcept {
  constexpr std::uint64_t kRest = kFrameSize - 1;
  if ((region.guest.base.raw & kRest) != 0 || (region.guest.size.raw & kRest) != 0) return false;
  return region.backing != nullptr && whole_frames(region.guest.size).raw <= ~region.first.raw;
}

}  // namespace

Status MemoryMap::assign(std::span<const MappedRegion> regions) noexcept {
  if (regions.size() > GuestMemory::kMaxRegions) return Status::InvalidArgument;
  GuestRegion guest[GuestMemory::kMaxRegions];
  for (std::size_t i = 0; i < regions.size(); ++i) {
    if (!whole(regions[i])) return Status::InvalidArgument;
    guest[i] = regions[i].guest;
  }
  if (const Status status = guest_.assign({guest, regions.size()}); status != Status::Ok) return status;
  for (const MappedRegion& region : regions) {
    const std::size_t place = index(*guest_.find(region.guest.base));
    targets_[place] = {region.backing, region.first};
  }
  return Status::Ok;
}

PfnCount MemoryMap::frames() const noexcept {
  PfnCount sum;
  for (const GuestRegion& region : guest_.regions()) sum += whole_frames(region.size);
  return sum;
}

}  // namespace fallow
