// The inflate and deflate queues of the balloon device (virtio 1.2, 5.5.6): lists of page frame numbers.
#include "fallow/balloon/detail/balloon_lists.h"
#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/device/detail/chain_reader.h"

namespace fallow {
namespace {

// Widens a part of a region to the host pages that lie wholly in the balloon, including those at both ends.
// Returns false if no such page exists.
bool widen(const MemoryMap& map, const detail::InflatedPages& inflated, std::size_t region,
           detail::GuestRange& part) noexcept {
  const GuestRegion& guest = map.guest().regions()[region];
  const PfnCount page = map.backing(region).page();
  const Pfn origin = map.first(region), limit = origin + whole_frames(guest.size);
  const auto page_of = [&](GuestPhys address) {
    return Pfn{(origin + whole_frames(address - guest.base)).raw & ~(page.raw - 1)};
  };
  const auto whole = [&](Pfn first) {
    return first >= origin && limit - first >= page && inflated.all(region, first - origin, page);
  };
  const Pfn first = page_of(part.start), last = page_of({part.end.raw - 1});
  const Pfn start = whole(first) ? first : first + page;
  const Pfn end = whole(last) ? last + page : last;
  if (start >= end) return false;
  part = {guest.base + bytes(start - origin), guest.base + bytes(end - origin)};
  return true;
}

// Best effort: a frame that cannot be populated now is populated by the guest's first access.
void populate(const MemoryMap& map, std::span<const detail::GuestRange> runs) noexcept {
  for (const detail::GuestRange& run : runs) {
    detail::for_each_region(map.guest(), run, [&map](std::size_t region, detail::GuestRange part) {
      const Pfn first = map.target(region, {part.start.raw >> kFrameShift});
      static_cast<void>(map.backing(region).populate(first, whole_frames(part.end - part.start)));
    });
  }
}

}  // namespace

// The whole list is read before any entry takes effect, because an entry may name the pages that hold the
// list.
void BalloonDevice::serve_inflate(std::span<const detail::QueueBuffer> buffers) noexcept {
  detail::ChainReader list(memory(), buffers);
  const std::size_t length = list.read(list_);
  refuse(Refusal::NotReadable, list.writable());
  refuse(Refusal::ListLength, length % kBalloonPfnSize != 0 || list.more());
  refuse(Refusal::OutsideMemory, list.outside());
  refuse(Refusal::Empty, length == 0 && list.writable() == 0 && !list.outside());
  ranges_.clear();
  for (std::size_t at = 0; at + kBalloonPfnSize <= length; at += kBalloonPfnSize)
    inflate({detail::decode<std::uint32_t>(&list_[at])});
  counts_.inflated.store(inflated_.count().raw, std::memory_order_relaxed);
  release_inflated();
}

void BalloonDevice::inflate(Pfn frame) noexcept {
  const GuestPhys address = address_of(frame);
  const GuestRegion* const region = memory().find(address);
  if (region == nullptr) {
    refuse(Refusal::OutsideMemory);
  } else if (inflated_.add(map_->index(*region), whole_frames(address - region->base))) {
    ranges_.add({address, address + ByteCount{kFrameSize}});
  } else {
    counts_.inflated_twice.fetch_add(1, std::memory_order_relaxed);
  }
}

// DEV-3: a host page larger than a frame is discarded only if all its frames are in the balloon and in one
// region. Without MUST_TELL_HOST the driver may already use a page of an earlier request, so all frames must
// then be in this request (5.5.6).
void BalloonDevice::release_inflated() noexcept {
  releaser_.begin({});
  GuestPhys done{};
  for (const detail::GuestRange& run : ranges_.join()) {
    detail::for_each_region(memory(), run, [&](std::size_t region, detail::GuestRange part) {
      const bool larger = map_->backing(region).page() > PfnCount{1};
      if (larger && has(kBalloonMustTellHost) && !widen(*map_, inflated_, region, part)) return;
      if (part.start < done) part.start = done;  // two runs share a host page
      if (part.start >= part.end) return;
      releaser_.add(part);
      done = part.end;
    });
  }
  const detail::ReleaseOutcome& outcome = releaser_.finish();
  settle(outcome);
  counts_.inflate_released.fetch_add(bytes(outcome.released).raw, std::memory_order_relaxed);
}

// Deflation discards nothing, so a long list is read piece by piece. At most as many numbers are read as the
// guest has frames.
void BalloonDevice::serve_deflate(std::span<const detail::QueueBuffer> buffers) noexcept {
  detail::ChainReader list(memory(), buffers);
  const std::uint64_t most = map_->frames().raw * kBalloonPfnSize;
  std::uint64_t total = 0;
  do {
    const std::size_t length = list.read(list_);
    ranges_.clear();
    for (std::size_t at = 0; at + kBalloonPfnSize <= length; at += kBalloonPfnSize)
      deflate({detail::decode<std::uint32_t>(&list_[at])});
    counts_.inflated.store(inflated_.count().raw, std::memory_order_relaxed);
    populate(*map_, ranges_.join());
    total += length;
  } while (total < most && list.more());
  refuse(Refusal::NotReadable, list.writable());
  refuse(Refusal::ListLength, total % kBalloonPfnSize != 0 || list.more());
  refuse(Refusal::OutsideMemory, list.outside());
  refuse(Refusal::Empty, total == 0 && list.writable() == 0 && !list.outside());
}

void BalloonDevice::deflate(Pfn frame) noexcept {
  const GuestPhys address = address_of(frame);
  const GuestRegion* const region = memory().find(address);
  if (region == nullptr) {
    refuse(Refusal::OutsideMemory);
  } else if (inflated_.remove(map_->index(*region), whole_frames(address - region->base))) {
    ranges_.add({address, address + ByteCount{kFrameSize}});
  }  // otherwise the frame was not in the balloon and is usable as it is
}

}  // namespace fallow
