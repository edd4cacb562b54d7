// The reporting queue of the balloon device (virtio 1.2, 5.5.6.7): the elements are writable and name free
// pages.
#include "fallow/balloon/device/balloon_device.h"

namespace fallow {

std::uint32_t BalloonDevice::serve_report(std::span<const detail::QueueBuffer> buffers) noexcept {
  counts_.reports.fetch_add(1, std::memory_order_relaxed);
  counts_.entries.fetch_add(buffers.size(), std::memory_order_relaxed);
  if (paused_.load(std::memory_order_relaxed)) {
    counts_.paused.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  const std::uint64_t usable = collect(buffers);
  if (!has(kBalloonPagePoison)) return release_reported(buffers, {.zero_counts = has(kBalloonInitReported)});
  // Read once, so that a concurrent change by the guest does not split the request.
  const bool in_doubt = poison_in_doubt_;
  if (poison() == 0 && !in_doubt) return release_reported(buffers, {.zero_needed = true});
  if (usable != 0) {
    refuse(Refusal::Poison, usable);
    say(in_doubt ? BalloonObserver::Notice::PoisonInDoubt : BalloonObserver::Notice::PoisonKeepsPages);
  }
  return 0;
}

// Adds the reported elements to ranges_ and returns their number. DEV-5: an element with any byte outside
// guest memory is refused as a whole, because a driver with a wrong end may also have a wrong start.
std::uint64_t BalloonDevice::collect(std::span<const detail::QueueBuffer> buffers) noexcept {
  ranges_.clear();
  std::uint64_t usable = 0;
  for (const detail::QueueBuffer& buffer : buffers) {
    const ByteCount length{buffer.length};
    if (!buffer.device_writable) {
      refuse(Refusal::NotWritable);
    } else if (length.raw == 0) {
      refuse(Refusal::Empty);
    } else if (length.raw > ~buffer.address.raw) {
      refuse(Refusal::Wraps);
    } else {
      if (memory().present(buffer.address, length) != length) {
        refuse(Refusal::OutsideMemory);
        continue;
      }
      ranges_.add({buffer.address, buffer.address + length});
      ++usable;
    }
  }
  return usable;
}

// DEV-2: the used length is the number of released bytes from the first writable byte up to the first byte
// that was not released (2.7.8.2). The request is returned only after the release.
std::uint32_t BalloonDevice::release_reported(std::span<const detail::QueueBuffer> buffers,
                                              detail::ReleaseTerms terms) noexcept {
  std::uint64_t reported = 0;
  releaser_.begin(terms);
  for (const detail::GuestRange& run : ranges_.join()) {
    reported += (run.end - run.start).raw;
    releaser_.add(run);
  }
  const detail::ReleaseOutcome& outcome = releaser_.finish();
  settle(outcome);
  counts_.reported.fetch_add(reported, std::memory_order_relaxed);
  counts_.released.fetch_add(bytes(outcome.released).raw, std::memory_order_relaxed);

  std::uint64_t written = 0;
  for (const detail::QueueBuffer& buffer : buffers) {
    if (!buffer.device_writable) continue;
    const ByteCount covered = releaser_.covered(buffer.address, {buffer.length});
    written += covered.raw;
    if (covered.raw != buffer.length) break;
  }
  constexpr std::uint64_t kMost = ~std::uint32_t{0};  // larger totals do not fit the field
  return static_cast<std::uint32_t>(written < kMost ? written : kMost);
}

void BalloonDevice::settle(const detail::ReleaseOutcome& outcome) noexcept {
  counts_.discards.fetch_add(outcome.discards, std::memory_order_relaxed);
  refuse(Refusal::PartOfPage, outcome.part_of_page);
  refuse(Refusal::Unpromised, outcome.unpromised);
  refuse(Refusal::NotReleased, outcome.not_released);
  if (outcome.not_released != 0) say(BalloonObserver::Notice::NotReleased);
}

}  // namespace fallow
