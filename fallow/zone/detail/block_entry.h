// The entry of a block (512 frames): everything about the block that must change in one step.
#pragma once

#include <bit>
#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/allocation.h"
#include "fallow/zone/detail/frame_word.h"

namespace fallow::detail {

inline constexpr Order kBlockOrder{9};
inline constexpr unsigned kBlockFrames = 512;
inline constexpr unsigned kBlockWords = kBlockFrames / kWordFrames;
inline constexpr unsigned kAgeGroups = 8;  // frames that share an age: 64
inline constexpr unsigned kMaxCaches = 4095;
inline constexpr std::uint32_t kGroup = 8;  // blocks whose entries share a cache line
inline constexpr unsigned kBins = 4;        // classes of partly used blocks by fill level, see list_of()
static_assert(std::has_single_bit(kBlockFrames / kBins));

// Bits of `raw`, lowest first. All zero is a free block that was never used.
//   used 10     frames taken or reserved: at least the used bits of its words (ZONE-2)
//   reported_frames 10  frames that are free and reported
//   owner 12    the local cache that allocates here, by number from 1; 0: none
//   mobility 2
//   whole 1     allocated as one block of order 9: its words are all zero (ZONE-4)
//   isolated 1  the whole block is being reported to a device: its words are all zero
//   splitting 1 a whole block is being written out into its words
//   reported 1  wholly free and reported. Its words are not consulted; all of them are zero (ZONE-4)
//   ages 8 x 3  for each group of 64 frames, the zone's tick (1 to 7) at the last free; 0: long ago
class BlockEntry {
 public:
  static constexpr unsigned kTicks = 7;         // ticks wrap: 1 to 7
  static constexpr unsigned kLongAgo = kTicks;  // an age that is old for every policy

  constexpr BlockEntry() = default;
  constexpr explicit BlockEntry(std::uint64_t raw) : raw_(raw) {}
  constexpr std::uint64_t raw() const { return raw_; }

  constexpr unsigned used() const { return field(kUsed, 10); }
  constexpr unsigned reported_frames() const { return field(kReportedFrames, 10); }
  constexpr unsigned owner() const { return field(kOwner, 12); }
  constexpr Mobility mobility() const { return static_cast<Mobility>(field(kMobility, 2)); }
  constexpr bool whole() const { return field(kWhole, 1) != 0; }
  constexpr bool isolated() const { return field(kIsolated, 1) != 0; }
  constexpr bool splitting() const { return field(kSplitting, 1) != 0; }
  constexpr bool reported() const { return field(kReported, 1) != 0; }
  // The words do not hold the block's state, so its frames are not handed out one by one.
  constexpr bool closed() const { return (raw_ & kClosedBits) != 0; }
  constexpr bool wholly_free() const { return used() == 0; }
  constexpr bool wholly_unreported() const { return !closed() && used() == 0 && reported_frames() == 0; }

  constexpr BlockEntry with_used(unsigned n) const { return with(kUsed, 10, n); }
  constexpr BlockEntry with_reported_frames(unsigned n) const { return with(kReportedFrames, 10, n); }
  constexpr BlockEntry with_owner(unsigned id) const { return with(kOwner, 12, id); }
  constexpr BlockEntry with_mobility(Mobility m) const {
    return with(kMobility, 2, static_cast<unsigned>(m));
  }
  constexpr BlockEntry with_whole(bool on) const { return with(kWhole, 1, on ? 1 : 0); }
  constexpr BlockEntry with_isolated(bool on) const { return with(kIsolated, 1, on ? 1 : 0); }
  constexpr BlockEntry with_splitting(bool on) const { return with(kSplitting, 1, on ? 1 : 0); }

  constexpr BlockEntry with_reported(bool on) const { return with(kReported, 1, on ? 1 : 0); }

  // Returns the ticks since the last free in `group`. Correct for 6 ticks, and beyond if matured() in time.
  constexpr unsigned age(unsigned group, unsigned now) const {
    const unsigned stamp = field(kAges + 3 * group, 3);
    return stamp == 0 ? kLongAgo : (now + kTicks - stamp) % kTicks;
  }
  // True only if both entries belong on the same list; cheaper than list_of(). The entries may differ in the
  // number of used frames within a bin, in the reported frames and in the ages.
  constexpr bool surely_listed_like(BlockEntry other) const {
    constexpr std::uint64_t kIgnored =
        (kBlockFrames / kBins - 1) | (std::uint64_t{0x3ff} << kReportedFrames) | (~std::uint64_t{0} << kAges);
    return ((raw_ ^ other.raw_) & ~kIgnored) == 0 && used() != 0 && other.used() != 0;
  }
  // Both wrap modulo 1024 while frames are reserved (ZONE-3). All changes of `reported_frames` go through
  // these two.
  constexpr BlockEntry with_more_reported(unsigned n) const {
    return with_reported_frames(reported_frames() + n);
  }
  constexpr BlockEntry with_fewer_reported(unsigned n) const {
    return with_reported_frames(reported_frames() - n);
  }
  // Takes `n` off the used frames.
  constexpr BlockEntry with_fewer_used(unsigned n) const {
    static_assert(kUsed == 0);
    return BlockEntry{raw_ - n};
  }
  // New values for some ages, prepared once for a change that may be retried.
  struct Stamp {
    std::uint64_t mask = 0, ages = 0;
    constexpr Stamp operator|(Stamp other) const { return {mask | other.mask, ages | other.ages}; }
  };
  // Sets the age of `group` to `now`.
  static constexpr Stamp stamp(unsigned group, unsigned now) {
    return {std::uint64_t{7} << (kAges + 3 * group), std::uint64_t{now} << (kAges + 3 * group)};
  }
  constexpr BlockEntry stamped(Stamp s) const { return BlockEntry{(raw_ & ~s.mask) | s.ages}; }
  // Stamps `groups`, one bit each.
  constexpr BlockEntry stamped(unsigned groups, unsigned now) const {
    Stamp all;
    for (; groups != 0; groups &= groups - 1)
      all = all | stamp(static_cast<unsigned>(std::countr_zero(groups)), now);
    return stamped(all);
  }
  // Keeps groups that have reached `min_age` old although ticks wrap.
  constexpr BlockEntry matured(unsigned min_age, unsigned now) const {
    unsigned old = 0;
    for (unsigned g = 0; g < kAgeGroups; ++g) old |= age(g, now) >= min_age ? 1U << g : 0;
    return stamped(old, 0);
  }

 private:
  static constexpr unsigned kUsed = 0, kReportedFrames = 10, kOwner = 20, kMobility = 32, kWhole = 34,
                            kIsolated = 35, kSplitting = 36, kReported = 37, kAges = 38;
  static constexpr std::uint64_t kClosedBits = std::uint64_t{15} << kWhole;
  static_assert(kAges + 3 * kAgeGroups <= 64);

  constexpr unsigned field(unsigned shift, unsigned width) const {
    return static_cast<unsigned>(raw_ >> shift) & ((1U << width) - 1);
  }
  constexpr BlockEntry with(unsigned shift, unsigned width, unsigned value) const {
    const std::uint64_t mask = ((std::uint64_t{1} << width) - 1) << shift;
    // Masked, so that no value overflows into the neighbouring field.
    return BlockEntry{(raw_ & ~mask) | ((std::uint64_t{value} << shift) & mask)};
  }

  std::uint64_t raw_ = 0;
};

// The list of a block, where allocations find it. Each block belongs on at most one list (ZONE-5).
//   0        wholly free, not wholly reported
//   1        wholly free and wholly reported, also while that state is being written out into its words
//   2 ...    partly used and not owned: by mobility, then by fill level
//   kNoList  not listed: full, owned or closed
// Bins are coarse on purpose. Within a bin the lowest address comes first. On the longer of two recorded
// workloads this kept long-lived frames closer together than finer bins did, and on the other equally close.
inline constexpr unsigned kFreeList = 0, kReportedList = 1, kFirstBinList = 2;
inline constexpr unsigned kLists = kFirstBinList + kMobilities * kBins;
inline constexpr unsigned kNoList = kLists;

constexpr unsigned bin_list(Mobility m, unsigned bin) {
  return kFirstBinList + static_cast<unsigned>(m) * kBins + bin;
}

constexpr unsigned list_of(BlockEntry e) {
  if (e.reported() || (e.splitting() && e.wholly_free())) return kReportedList;
  if (e.closed()) return kNoList;
  if (e.used() == 0) return e.reported_frames() == kBlockFrames ? kReportedList : kFreeList;
  if (e.owner() != 0 || e.used() >= kBlockFrames) return kNoList;
  return bin_list(e.mobility(), e.used() * kBins / kBlockFrames);
}

}  // namespace fallow::detail
