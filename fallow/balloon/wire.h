// The traditional memory balloon on the wire (virtio 1.2, 5.5): names, numbers and layouts as printed there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fallow/virtio/features.h"

namespace fallow {

inline constexpr std::uint32_t kBalloonDeviceId = 5;  // 5.5.1

// 5.5.3
inline constexpr Features kBalloonMustTellHost = feature(0), kBalloonStatsVq = feature(1),
                          kBalloonDeflateOnOom = feature(2), kBalloonFreePageHint = feature(3),
                          kBalloonPagePoison = feature(4), kBalloonPageReporting = feature(5);
// Draft (virtio-spec issue 244): the used length of a report says how many of its bytes, from the first on,
// now hold zero, or the poison value.
inline constexpr Features kBalloonInitReported = feature(6);

// 5.5.4: struct virtio_balloon_config, by the offsets of its le32 fields.
inline constexpr std::uint32_t kBalloonNumPages = 0, kBalloonActual = 4, kBalloonHintCmdId = 8,
                               kBalloonPoisonVal = 12, kBalloonConfigSize = 16;

// 5.5.6.4 (tags 0 to 9; Linux 6.12 has more).
enum class StatTag : std::uint16_t {
  SwapIn = 0,
  SwapOut = 1,
  MajorFaults = 2,
  MinorFaults = 3,
  MemoryFree = 4,
  MemoryTotal = 5,
  MemoryAvailable = 6,
  Caches = 7,
  HugeAllocations = 8,
  HugeFailures = 9,
  OomKills = 10,
  AllocStalls = 11,
  AsyncScan = 12,
  DirectScan = 13,
  AsyncReclaim = 14,
  DirectReclaim = 15,
};
inline constexpr std::size_t kStatTags = 16;
inline constexpr std::uint32_t kStatSize = 10;  // le16 tag, le64 value, packed

// 5.5.6.5: reserved command ids of free page hinting.
inline constexpr std::uint32_t kHintStop = 0, kHintDone = 1;

// Page frame numbers of inflate and deflate are in units of 4096 bytes, whatever the page size (5.5.6).
inline constexpr std::uint32_t kBalloonPfnSize = 4;

// The queues of a balloon in the order of 5.5.2.
enum class BalloonQueue : std::uint8_t { Inflate, Deflate, Stats, Hint, Reporting };
inline constexpr std::uint16_t kNoQueue = 0xffff;

// The number of a queue. Drivers and devices in use number the queues that there are, without gaps, over the
// features that the device offers; with statistics and hinting missing, reporting is queue 2. kNoQueue: not
// there.
constexpr std::uint16_t queue_number(Features offered, BalloonQueue queue) noexcept {
  constexpr Features kNeeds[] = {0, 0, kBalloonStatsVq, kBalloonFreePageHint, kBalloonPageReporting};
  const auto wanted = static_cast<unsigned>(queue);
  if ((offered & kNeeds[wanted]) != kNeeds[wanted]) return kNoQueue;
  std::uint16_t number = 0;
  for (unsigned i = 0; i < wanted; ++i)
    number = static_cast<std::uint16_t>(number + ((offered & kNeeds[i]) == kNeeds[i]));
  return number;
}
constexpr std::uint16_t queue_count(Features offered) noexcept {
  std::uint16_t count = 0;
  for (unsigned i = 0; i <= static_cast<unsigned>(BalloonQueue::Reporting); ++i)
    count =
        static_cast<std::uint16_t>(count + (queue_number(offered, static_cast<BalloonQueue>(i)) != kNoQueue));
  return count;
}
static_assert(queue_number(kBalloonPageReporting, BalloonQueue::Reporting) == 2);
static_assert(queue_number(kBalloonPageReporting | kBalloonStatsVq, BalloonQueue::Reporting) == 3);
static_assert(queue_count(0) == 2);

}  // namespace fallow
