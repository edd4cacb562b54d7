// One entry a block (512 frames): everything about the block that must change in one step.
#pragma once

#include <bit>
#include <cstdint>

#include "fallow/base/units.h"
#include "fallow/zone/detail/frame_word.h"
#include "fallow/zone/mobility.h"

namespace fallow::detail {

inline constexpr Order kBlockOrder{9};
inline constexpr unsigned kBlockFrames = 512;
inline constexpr unsigned kBlockWords = kBlockFrames / kWordFrames;
inline constexpr unsigned kAgeGroups = 8;  // frames that share an age: 64
inline constexpr unsigned kMaxCaches = 4095;
inline constexpr std::uint32_t kGroup = 8;  // blocks whose entries share a cache line
inline constexpr unsigned kBins = 4;  // kinds of partly used blocks, by how full they are: see list_of()
static_assert(std::has_single_bit(kBlockFrames / kBins));

// Bits of `raw`, lowest first; all zero is a free block that nobody has touched.
//   used 10     frames taken or about to be taken: at least the used bits of its words (ZONE-2)
//   marked 10   frames that are free and reported
//   owner 12    the local cache that allocates here, by number from 1; 0: none
//   mobility 2
//   whole 1     allocated as one block of order 9: its words are all zero (ZONE-4)
//   isolated 1  the whole block is shown to a device: its words are all zero
//   splitting 1 a whole block is being written out into its words
//   reported 1  wholly free and reported, and never mind its words: they are all zero (ZONE-4)
//   ages 8 x 3  for each group of 64 frames the zone's tick (1 to 7) of the last free; 0: long ago
class BlockEntry {
 public:
  static constexpr unsigned kTicks = 7;         // ticks go round: 1 to 7
  static constexpr unsigned kLongAgo = kTicks;  // an age that is old for everybody

  constexpr BlockEntry() = default;
  constexpr explicit BlockEntry(std::uint64_t raw) : raw_(raw) {}
  constexpr std::uint64_t raw() const { return raw_; }

  constexpr unsigned used() const { return field(kUsed, 10); }
  constexpr unsigned marked() const { return field(kMarked, 10); }
  constexpr unsigned owner() const { return field(kOwner, 12); }
  constexpr Mobility mobility() const { return static_cast<Mobility>(field(kMobility, 2)); }
  constexpr bool whole() const { return field(kWhole, 1) != 0; }
  constexpr bool isolated() const { return field(kIsolated, 1) != 0; }
  constexpr bool splitting() const { return field(kSplitting, 1) != 0; }
  constexpr bool reported() const { return field(kReported, 1) != 0; }
  // Its words do not tell its state, so its frames are not handed out one by one.
  constexpr bool closed() const { return (raw_ & kClosedBits) != 0; }
  constexpr bool wholly_free() const { return used() == 0; }
  constexpr bool wholly_unreported() const { return !closed() && used() == 0 && marked() == 0; }

  constexpr BlockEntry with_used(unsigned n) const { return with(kUsed, 10, n); }
  constexpr BlockEntry with_marked(unsigned n) const { return with(kMarked, 10, n); }
  constexpr BlockEntry with_owner(unsigned id) const { return with(kOwner, 12, id); }
  constexpr BlockEntry with_mobility(Mobility m) const {
    return with(kMobility, 2, static_cast<unsigned>(m));
  }
  constexpr BlockEntry with_whole(bool on) const { return with(kWhole, 1, on ? 1 : 0); }
  constexpr BlockEntry with_isolated(bool on) const { return with(kIsolated, 1, on ? 1 : 0); }
  constexpr BlockEntry with_splitting(bool on) const { return with(kSplitting, 1, on ? 1 : 0); }

  constexpr BlockEntry with_reported(bool on) const { return with(kReported, 1, on ? 1 : 0); }

  // The ticks since the last free in `group`: right for 6 ticks, and then only if matured() in time.
  constexpr unsigned age(unsigned group, unsigned now) const {
    const unsigned stamp = field(kAges + 3 * group, 3);
    return stamp == 0 ? kLongAgo : (now + kTicks - stamp) % kTicks;
  }
  // At the same home for certain, told without finding out where that is: nothing but the number of used
  // frames, within a bin, what is marked and the ages differ.
  constexpr bool surely_listed_like(BlockEntry other) const {
    constexpr std::uint64_t kOfNoAccount =
        (kBlockFrames / kBins - 1) | (std::uint64_t{0x3ff} << kMarked) | (~std::uint64_t{0} << kAges);
    return ((raw_ ^ other.raw_) & ~kOfNoAccount) == 0 && used() != 0 && other.used() != 0;
  }
  // Both wrap modulo 1024 while reservations are under way (ZONE-3). Everything that counts marks does it
  // here.
  constexpr BlockEntry with_more_marked(unsigned n) const { return with_marked(marked() + n); }
  constexpr BlockEntry with_fewer_marked(unsigned n) const { return with_marked(marked() - n); }
  // n of the used frames are not used any more.
  constexpr BlockEntry with_fewer_used(unsigned n) const {
    static_assert(kUsed == 0);
    return BlockEntry{raw_ - n};
  }
  // Which ages become what: made once for a change that may have to be tried again.
  struct Stamp {
    std::uint64_t mask = 0, ages = 0;
    constexpr Stamp operator|(Stamp other) const { return {mask | other.mask, ages | other.ages}; }
  };
  // The age of `group` becomes `now`.
  static constexpr Stamp stamp(unsigned group, unsigned now) {
    return {std::uint64_t{7} << (kAges + 3 * group), std::uint64_t{now} << (kAges + 3 * group)};
  }
  constexpr BlockEntry stamped(Stamp s) const { return BlockEntry{(raw_ & ~s.mask) | s.ages}; }
  // Of `groups`, a bit each.
  constexpr BlockEntry stamped(unsigned groups, unsigned now) const {
    Stamp all;
    for (; groups != 0; groups &= groups - 1)
      all = all | stamp(static_cast<unsigned>(std::countr_zero(groups)), now);
    return stamped(all);
  }
  // What has reached `min_age` stays old, though ticks go round.
  constexpr BlockEntry matured(unsigned min_age, unsigned now) const {
    unsigned old = 0;
    for (unsigned g = 0; g < kAgeGroups; ++g) old |= age(g, now) >= min_age ? 1U << g : 0;
    return stamped(old, 0);
  }

 private:
  static constexpr unsigned kUsed = 0, kMarked = 10, kOwner = 20, kMobility = 32, kWhole = 34, kIsolated = 35,
                            kSplitting = 36, kReported = 37, kAges = 38;
  static constexpr std::uint64_t kClosedBits = std::uint64_t{15} << kWhole;
  static_assert(kAges + 3 * kAgeGroups <= 64);

  constexpr unsigned field(unsigned shift, unsigned width) const {
    return static_cast<unsigned>(raw_ >> shift) & ((1U << width) - 1);
  }
  constexpr BlockEntry with(unsigned shift, unsigned width, unsigned value) const {
    const std::uint64_t mask = ((std::uint64_t{1} << width) - 1) << shift;
    // Masked, so that no value reaches its neighbour's bits.
    return BlockEntry{(raw_ & ~mask) | ((std::uint64_t{value} << shift) & mask)};
  }

  std::uint64_t raw_ = 0;
};

// Where a block is listed, so that an allocation finds it: in one place at a time (ZONE-5).
//   0        wholly free, not wholly reported
//   1        wholly free and wholly reported, also while that is being written out into its words
//   2 ...    partly used and owned by nobody: by mobility, and within it by how full it is
//   kNoList  nothing to find: full, owned or closed
// Bins are coarse on purpose: within one the lowest address comes first, which on the longer of two recorded
// workloads kept long-lived frames closer together than finer bins did, and on the other as close.
inline constexpr unsigned kFreeList = 0, kReportedList = 1, kFirstBinList = 2;
inline constexpr unsigned kLists = kFirstBinList + kMobilities * kBins;
inline constexpr unsigned kNoList = kLists;

constexpr unsigned bin_list(Mobility m, unsigned bin) {
  return kFirstBinList + static_cast<unsigned>(m) * kBins + bin;
}

constexpr unsigned list_of(BlockEntry e) {
  if (e.reported() || (e.splitting() && e.wholly_free())) return kReportedList;
  if (e.closed()) return kNoList;
  if (e.used() == 0) return e.marked() == kBlockFrames ? kReportedList : kFreeList;
  if (e.owner() != 0 || e.used() >= kBlockFrames) return kNoList;
  return bin_list(e.mobility(), e.used() * kBins / kBlockFrames);
}

}  // namespace fallow::detail
