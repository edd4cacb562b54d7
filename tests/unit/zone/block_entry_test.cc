#include "fallow/zone/detail/block_entry.h"

#include <gtest/gtest.h>

#include <vector>

namespace fallow::detail {
namespace {

TEST(BlockEntry, FieldsDoNotTouchEachOther) {
  const BlockEntry full = BlockEntry{}
                              .with_used(512)
                              .with_reported_frames(512)
                              .with_owner(kMaxCaches)
                              .with_mobility(Mobility::Reclaimable)
                              .with_whole(true)
                              .with_isolated(true)
                              .with_splitting(true)
                              .with_reported(true)
                              .stamped(0xff, BlockEntry::kTicks);
  EXPECT_EQ(full.used(), 512u);
  EXPECT_EQ(full.reported_frames(), 512u);
  EXPECT_EQ(full.owner(), kMaxCaches);
  EXPECT_EQ(full.mobility(), Mobility::Reclaimable);
  EXPECT_TRUE(full.whole() && full.isolated() && full.splitting() && full.reported() && full.closed());
  const BlockEntry cleared = full.with_used(0)
                                 .with_reported_frames(0)
                                 .with_owner(0)
                                 .with_mobility(Mobility::Movable)
                                 .with_whole(false)
                                 .with_isolated(false)
                                 .with_splitting(false)
                                 .with_reported(false)
                                 .stamped(0xff, 0);
  EXPECT_EQ(cleared.raw(), 0u);
  EXPECT_EQ(full.with_used(7).reported_frames(), 512u);
  EXPECT_EQ(full.with_reported_frames(7).used(), 512u);
  EXPECT_EQ(full.with_owner(7).mobility(), Mobility::Reclaimable);
}

TEST(BlockEntry, ZeroIsAFreeBlockThatNobodyTouched) {
  constexpr BlockEntry e;
  EXPECT_TRUE(e.wholly_free());
  EXPECT_FALSE(e.closed());
  EXPECT_EQ(e.owner(), 0u);
  EXPECT_EQ(e.mobility(), Mobility::Movable);
  EXPECT_EQ(list_of(e), kFreeList);
  for (unsigned now = 1; now <= BlockEntry::kTicks; ++now) {
    for (unsigned g = 0; g < kAgeGroups; ++g) EXPECT_EQ(e.age(g, now), BlockEntry::kLongAgo);
  }
}

TEST(BlockEntry, AgesGoRoundAfterSevenTicks) {
  for (unsigned stamp = 1; stamp <= BlockEntry::kTicks; ++stamp) {
    const BlockEntry e = BlockEntry{}.stamped(1U << 3, stamp);
    unsigned now = stamp;
    for (unsigned age = 0; age < BlockEntry::kTicks; ++age) {
      EXPECT_EQ(e.age(3, now), age);
      EXPECT_EQ(e.age(2, now), BlockEntry::kLongAgo);
      now = now % BlockEntry::kTicks + 1;
    }
    EXPECT_EQ(e.age(3, now), 0u) << "round once: matured() must have been called by now";
  }
}

TEST(BlockEntry, WhatHasMaturedStaysOld) {
  const BlockEntry e = BlockEntry{}.stamped(0b01, 1).stamped(0b10, 5);
  const BlockEntry after = e.matured(5, 6);  // group 0 is 5 ticks old, group 1 is 1
  EXPECT_EQ(after.age(0, 6), BlockEntry::kLongAgo);
  EXPECT_EQ(after.age(1, 6), 1u);
  EXPECT_EQ(after.matured(5, 6).raw(), after.raw());
}

TEST(BlockEntry, HomeFollowsTheFill) {
  EXPECT_EQ(list_of(BlockEntry{}.with_reported_frames(kBlockFrames)), kReportedList);
  EXPECT_EQ(list_of(BlockEntry{}.with_reported_frames(kBlockFrames - 1)), kFreeList);
  constexpr unsigned kStep = kBlockFrames / kBins;
  for (unsigned bin = 0; bin < kBins; ++bin) {
    EXPECT_EQ(list_of(BlockEntry{}.with_used(bin == 0 ? 1 : bin * kStep)), bin_list(Mobility::Movable, bin));
    EXPECT_EQ(list_of(BlockEntry{}.with_used((bin + 1) * kStep - 1)), bin_list(Mobility::Movable, bin));
  }
  EXPECT_EQ(list_of(BlockEntry{}.with_used(511).with_mobility(Mobility::Reclaimable)), kLists - 1);
  EXPECT_EQ(list_of(BlockEntry{}.with_used(kBlockFrames)), kNoList);
}

TEST(BlockEntry, OwnedBlocksAreListedOnlyWhileWhollyFree) {
  EXPECT_EQ(list_of(BlockEntry{}.with_used(5).with_owner(1)), kNoList);
  EXPECT_EQ(list_of(BlockEntry{}.with_owner(1)), kFreeList);
}

// May be false for entries on the same list, but is never true for entries on different lists.
TEST(BlockEntry, SurelyAtHomeOfAnother) {
  std::vector<BlockEntry> entries;
  for (const unsigned used : {0U, 1U, 2U, 127U, 128U, 255U, 256U, 511U, 512U}) {
    for (const unsigned owner : {0U, 1U}) {
      for (const unsigned reported : {0U, 511U, 512U}) {
        const BlockEntry e = BlockEntry{}.with_used(used).with_owner(owner).with_reported_frames(reported);
        entries.insert(entries.end(), {e, e.with_mobility(Mobility::Unmovable), e.with_whole(true),
                                       e.with_isolated(true), e.with_splitting(true), e.with_reported(true)});
      }
    }
  }
  for (const BlockEntry a : entries) {
    for (const BlockEntry b : entries) {
      EXPECT_TRUE(!a.surely_listed_like(b) || list_of(a) == list_of(b)) << a.raw() << " and " << b.raw();
    }
  }
  EXPECT_TRUE(BlockEntry{}.with_used(5).surely_listed_like(BlockEntry{}.with_used(6).stamped(1, 3)));
}

TEST(BlockEntry, ReportedBlocksAreListedThoughClosed) {
  EXPECT_EQ(list_of(BlockEntry{}.with_reported_frames(kBlockFrames).with_reported(true)), kReportedList);
  EXPECT_EQ(list_of(BlockEntry{}.with_reported_frames(kBlockFrames).with_splitting(true)), kReportedList);
}

TEST(BlockEntry, ClosedBlocksHaveNoHome) {
  EXPECT_EQ(list_of(BlockEntry{}.with_whole(true)), kNoList);
  EXPECT_EQ(list_of(BlockEntry{}.with_isolated(true)), kNoList);
  EXPECT_EQ(list_of(BlockEntry{}.with_used(kBlockFrames).with_splitting(true)), kNoList);
}

}  // namespace
}  // namespace fallow::detail
