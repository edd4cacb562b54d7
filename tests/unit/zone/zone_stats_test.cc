#include "fallow/zone/zone_stats.h"

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class Stats : public ZoneTest {};

TEST_F(Stats, ToldFromTheFirstFrameOn) {
  const ZoneStats s = zone_stats(zone());
  EXPECT_EQ(s.size.raw, kBlocks * kBlockFrames);
  EXPECT_EQ(s.free, s.size);
  EXPECT_EQ(s.used.raw + s.isolated.raw + s.reported.raw + s.cached.raw + s.refaults.raw, 0u);
}

// Frames in hands and pending frames are free, but isolation cannot take them.
TEST_F(Stats, WhatCachesHoldIsFree) {
  const Pfn run = must_allocate({4});
  must_allocate();
  EXPECT_EQ(used().raw, 17u);
  must_free(run, {3}, 1);
  EXPECT_EQ(used().raw, 9u);
  EXPECT_EQ(cache(1).counts().pending, 8u);
  EXPECT_EQ(free_frames(zone()) + zone_stats(zone()).cached, free());
}

TEST_F(Stats, RefaultsAreCountedOnce) {
  report();
  must_free(must_allocate());
  must_allocate();
  cache().drain();
  EXPECT_EQ(zone_stats(zone()).refaults.raw, 1u) << "the second time it was not reported";
  must_allocate({9});
  EXPECT_EQ(zone_stats(zone()).refaults.raw, 1u + kBlockFrames);
}

TEST_F(Stats, FreeAreasAreThoseOfABuddyAllocator) {
  EXPECT_EQ(free_area(zone(), {10}).nr_free, kBlocks / 2);
  for (std::uint8_t o = 0; o < 10; ++o) EXPECT_EQ(free_area(zone(), {o}).nr_free, 0u);
  must_allocate();
  drain_all();
  for (std::uint8_t o = 0; o < 10; ++o) EXPECT_EQ(free_area(zone(), {o}).nr_free, 1u) << int{o};
  EXPECT_EQ(free_area(zone(), {10}).nr_free, kBlocks / 2 - 1);
}

TEST_F(Stats, ReportedAreasAreCountedAsAWhole) {
  must_allocate();
  drain_all();
  report_order(5);
  for (std::uint8_t o = 0; o <= 10; ++o) {
    const FreeArea area = free_area(zone(), {o});
    EXPECT_EQ(area.nr_reported, o < 5 ? 0 : area.nr_free) << int{o};
  }
}

TEST_F(Stats, FreeAreasSumUpToWhatIsFree) {
  for (unsigned i = 0; i < 900; ++i)
    must_allocate({static_cast<std::uint8_t>(i % 5)}, Mobility::Movable, i % 2);
  drain_all();
  std::uint64_t sum = 0;
  for (std::uint8_t o = 0; o <= 10; ++o) sum += free_area(zone(), {o}).nr_free << o;
  EXPECT_EQ(sum, free().raw);
}

}  // namespace
}  // namespace fallow::detail
