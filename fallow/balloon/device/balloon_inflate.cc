// The inflate and deflate queues of the balloon device (virtio 1.2, 5.5.6): lists of page frame numbers.
#include "fallow/balloon/detail/balloon_lists.h"
#include "fallow/balloon/device/balloon_device.h"
#include "fallow/balloon/device/detail/chain_reader.h"

namespace fallow {

// All of a list is read before any of it is acted upon: it may name the very pages that it lies in.
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

// DEV-3: of a host page larger than a frame nothing is discarded unless all its frames are in the balloon,
// and in one region. A driver that need not tell may use a page of an earlier request already, so without
// MUST_TELL_HOST they must all be in this request (5.5.6).
void BalloonDevice::release_inflated() noexcept {
  releaser_.begin({});
  GuestPhys done{};
  for (const detail::GuestRange& run : ranges_.join()) {
    detail::for_each_region(memory(), run, [&](std::size_t region, detail::GuestRange part) {
      const bool larger = map_->backing(region).page() > PfnCount{1};
      if (larger && has(kBalloonMustTellHost) && !widen(region, part)) return;
      if (part.start < done) part.start = done;  // two runs of one host page
      if (part.start >= part.end) return;
      releaser_.add(part);
      done = part.end;
    });
  }
  const detail::ReleaseOutcome& outcome = releaser_.finish();
  settle(outcome);
  counts_.inflate_released.fetch_add(bytes(outcome.released).raw, std::memory_order_relaxed);
}

// Makes of a part of a region, whose frames are in the balloon, the host pages at and between its ends that
// are wholly in it. False: there is none.
bool BalloonDevice::widen(std::size_t region, detail::GuestRange& part) const noexcept {
  const GuestRegion& guest = memory().regions()[region];
  const PfnCount page = map_->backing(region).page();
  const Pfn origin = map_->first(region), limit = origin + whole_frames(guest.size);
  const auto page_of = [&](GuestPhys address) {
    return Pfn{(origin + whole_frames(address - guest.base)).raw & ~(page.raw - 1)};
  };
  const auto whole = [&](Pfn first) {
    return first >= origin && limit - first >= page && inflated_.all(region, first - origin, page);
  };
  const Pfn first = page_of(part.start), last = page_of({part.end.raw - 1});
  const Pfn start = whole(first) ? first : first + page;
  const Pfn end = whole(last) ? last + page : last;
  if (start >= end) return false;
  part = {guest.base + bytes(start - origin), guest.base + bytes(end - origin)};
  return true;
}

// Nothing is discarded here, so a long list is read piece by piece: at most as many numbers as there are
// frames.
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
    populate_deflated();
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
  }  // otherwise it was not in the balloon, and nothing has to be done to use it
}

void BalloonDevice::populate_deflated() noexcept {
  for (const detail::GuestRange& run : ranges_.join()) {
    detail::for_each_region(memory(), run, [this](std::size_t region, detail::GuestRange part) {
      const Pfn first = map_->target(region, {part.start.raw >> kFrameShift});
      static_cast<void>(
          map_->backing(region).populate(first, whole_frames(part.end - part.start)));  // advice
    });
  }
}

}  // namespace fallow
