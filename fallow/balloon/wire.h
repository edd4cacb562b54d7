// The wire format of the traditional memory balloon (virtio 1.2, 5.5), with the names, numbers and layouts
// of the specification.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/balloon/features.h"

namespace fallow {

/// The device id of the balloon (5.5.1).
inline constexpr std::uint32_t kBalloonDeviceId = 5;

/// 5.5.4: the offsets of the le32 fields of struct virtio_balloon_config, and its size, in bytes.
/// @{
inline constexpr std::uint32_t kBalloonNumPages = 0, kBalloonActual = 4, kBalloonHintCmdId = 8,
                               kBalloonPoisonVal = 12, kBalloonConfigSize = 16;
/// @}

/// The tags of statistics. 5.5.6.4 defines tags 0 to 9; Linux 6.12 has more. Counts are since boot.
enum class StatTag : std::uint16_t {
  SwapIn = 0,           ///< bytes swapped in
  SwapOut = 1,          ///< bytes swapped out
  MajorFaults = 2,      ///< page faults that read from storage
  MinorFaults = 3,      ///< page faults that did not
  MemoryFree = 4,       ///< bytes that nothing uses
  MemoryTotal = 5,      ///< bytes that the guest has
  MemoryAvailable = 6,  ///< bytes that could be used without swapping; an estimate
  Caches = 7,           ///< bytes that the guest could drop at once
  HugeAllocations = 8,  ///< huge pages (hugetlb) that were allocated
  HugeFailures = 9,     ///< huge pages that were not
  OomKills = 10,        ///< processes killed for lack of memory
  AllocStalls = 11,     ///< allocations that waited for reclaim
  AsyncScan = 12,       ///< bytes scanned in the background
  DirectScan = 13,      ///< bytes scanned by allocations
  AsyncReclaim = 14,    ///< bytes reclaimed in the background
  DirectReclaim = 15,   ///< bytes reclaimed by allocations
};
/// The number of values of StatTag.
inline constexpr std::size_t kStatTags = 16;
/// The bytes of one statistic: le16 tag, le64 value, packed.
inline constexpr std::uint32_t kStatSize = 10;

/// 5.5.6.5: reserved command ids of free page hinting.
/// @{
inline constexpr std::uint32_t kHintStop = 0, kHintDone = 1;
/// @}

/// Size of a page frame number in a list. A page frame number counts units of 4096 bytes, whatever the page
/// size (5.5.6).
inline constexpr std::uint32_t kBalloonPfnSize = 4;

/// The queues of a balloon in the order of 5.5.2.
enum class BalloonQueue : std::uint8_t {
  Inflate,    ///< pages that enter the balloon
  Deflate,    ///< pages that leave the balloon
  Stats,      ///< statistics of the guest
  Hint,       ///< free page hints (5.5.6.5)
  Reporting,  ///< free pages that the guest reports (5.5.6.7)
};
/// The number of a queue that does not exist.
inline constexpr std::uint16_t kNoQueue = 0xffff;

/// How a driver numbers the queues that its features provide.
enum class QueueNumbers : std::uint8_t {
  WithoutGaps,  ///< existing queues, consecutively: Linux, crosvm, Cloud Hypervisor
  AsPrinted,    ///< each as in 5.5.2, whatever other queues exist: virtio 1.2
  OverOffered,  ///< without gaps, over the offered features: QEMU's device and drivers that follow it
};

/// Returns the number of a queue without gaps over the negotiated features: without statistics and hinting,
/// reporting is queue 2. Returns kNoQueue if the queue does not exist.
constexpr std::uint16_t queue_number(Features negotiated, BalloonQueue queue) noexcept {
  constexpr Features kNeeds[] = {0, 0, kBalloonStatsVq, kBalloonFreePageHint, kBalloonPageReporting};
  const auto wanted = static_cast<unsigned>(queue);
  if ((negotiated & kNeeds[wanted]) != kNeeds[wanted]) return kNoQueue;
  std::uint16_t number = 0;
  for (unsigned i = 0; i < wanted; ++i)
    number = static_cast<std::uint16_t>(number + ((negotiated & kNeeds[i]) == kNeeds[i]));
  return number;
}
/// Returns the number of a queue under any of the numberings.
constexpr std::uint16_t queue_number(Features offered, Features negotiated, BalloonQueue queue,
                                     QueueNumbers numbers) noexcept {
  const std::uint16_t number = queue_number(negotiated, queue);
  if (number == kNoQueue || numbers == QueueNumbers::WithoutGaps) return number;
  return numbers == QueueNumbers::AsPrinted ? static_cast<std::uint16_t>(queue)
                                            : queue_number(offered, queue);
}
/// Returns one more than the highest queue number that a driver may use with these offered features.
constexpr std::uint16_t queue_count(Features offered) noexcept {
  if ((offered & kBalloonPageReporting) != 0) return static_cast<std::uint16_t>(BalloonQueue::Reporting) + 1;
  return static_cast<std::uint16_t>(2 + ((offered & kBalloonStatsVq) != 0) +
                                    ((offered & kBalloonFreePageHint) != 0));
}
static_assert(queue_number(kBalloonPageReporting, BalloonQueue::Reporting) == 2);
static_assert(queue_number(kBalloonPageReporting | kBalloonStatsVq, BalloonQueue::Reporting) == 3);
static_assert(queue_count(0) == 2 && queue_count(kBalloonStatsVq) == 3);
static_assert(queue_count(kBalloonPageReporting) == 5);

}  // namespace fallow
