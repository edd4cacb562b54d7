// zone_check() finds every violation: each invariant is broken on purpose, and named.
#include <cstring>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

// Not a ZoneTest, because the zone is not consistent afterwards.
class ZoneInvariant : public testing::Test {
 protected:
  static constexpr std::uint32_t kBlocks = 8;

  Zone& zone() { return *zone_; }
  LocalCache& cache(std::uint32_t i = 0) { return zone_->cache(i); }
  std::uint32_t allocated_block(Order order = {}) {
    return static_cast<std::uint32_t>(cache().allocate(order).pfn.raw / kBlockFrames);
  }
  std::atomic<std::uint64_t>& word(std::uint32_t block, unsigned i = 0) {
    return zone().tables().word(std::uint64_t{block} * kBlockWords + i);
  }
  // Changes an entry only. The block is listed where its entry says, so that no other invariant breaks.
  template <class Change>
  void corrupt(std::uint32_t block, Change change) {
    const BlockEntry before = zone().tables().entry(block);
    zone().tables().update(block, [&](BlockEntry e) { return change(e); });
    const unsigned from = list_of(before), to = list_of(zone().tables().entry(block));
    if (from != kNoList) zone().tables().listed(from).insert(block);
    if (to != kNoList && from != to) zone().tables().listed(to).insert(block);
  }
  void expect_found(const char* invariant, std::uint32_t block) {
    const Violation found = zone_check(zone());
    ASSERT_FALSE(found.none()) << invariant << " is broken";
    EXPECT_EQ(std::string(found.invariant).substr(0, std::strlen(invariant)), invariant);
    EXPECT_EQ(found.where, zone().tables().pfn_of(std::uint64_t{block} * kBlockFrames)) << found.invariant;
  }

 private:
  TestZone zone_{{{0}, {kBlocks * kBlockFrames}, 2}};
};

TEST_F(ZoneInvariant, HoldsInAZoneThatNobodyTouched) { EXPECT_TRUE(zone_check(zone()).none()); }

TEST_F(ZoneInvariant, Zone1ABlockHasOneOfThreeMobilities) {
  corrupt(3, [](BlockEntry e) { return e.with_mobility(static_cast<Mobility>(3)); });
  expect_found("ZONE-1: a block has one of three mobilities", 3);
}

TEST_F(ZoneInvariant, Zone1ABlockIsOwnedByACacheOfItsZone) {
  corrupt(7, [](BlockEntry e) { return e.with_owner(3); });
  expect_found("ZONE-1: a block is owned by a cache", 7);
}

TEST_F(ZoneInvariant, Zone2UsedCountsTheUsedFrames) {
  const std::uint32_t block = allocated_block();
  corrupt(block, [](BlockEntry e) { return e.with_used(e.used() + 1); });
  expect_found("ZONE-2", block);
  corrupt(block, [](BlockEntry e) { return e.with_used(e.used() - 2); });
  expect_found("ZONE-2", block);
}

TEST_F(ZoneInvariant, Zone2AFrameThatIsUsedBehindTheEntrysBack) {
  word(5, 15).fetch_or(std::uint64_t{1} << 31);
  expect_found("ZONE-2", 5);
}

TEST_F(ZoneInvariant, Zone3ReportedFramesCountsTheReportBits) {
  word(4, 7).fetch_or(std::uint64_t{1} << 63);
  expect_found("ZONE-3", 4);
  corrupt(4, [](BlockEntry e) { return e.with_reported_frames(2); });
  expect_found("ZONE-3", 4);
}

TEST_F(ZoneInvariant, Zone4AClosedBlockIsWholeIsolatedOrReported) {
  const std::uint32_t block = allocated_block({9});
  corrupt(block, [](BlockEntry e) { return e.with_isolated(true); });
  expect_found("ZONE-4: a closed block is whole, isolated or reported", block);
  corrupt(block, [](BlockEntry e) { return e.with_isolated(false).with_splitting(true); });
  expect_found("ZONE-4: a closed block is whole, isolated or reported", block);
}

TEST_F(ZoneInvariant, Zone4AReportedBlockIsFreeAndReportedAllOver) {
  corrupt(3, [](BlockEntry e) { return e.with_reported(true).with_reported_frames(511); });
  expect_found("ZONE-4: every frame of a reported block", 3);
  corrupt(3, [](BlockEntry e) { return e.with_reported_frames(512).with_used(1); });
  expect_found("ZONE-4: every frame of a reported block", 3);
}

TEST_F(ZoneInvariant, Zone4AClosedBlockIsUsedAllOver) {
  const std::uint32_t block = allocated_block({9});
  corrupt(block, [](BlockEntry e) { return e.with_used(511); });
  expect_found("ZONE-4: every frame of a closed block is used", block);
  corrupt(block, [](BlockEntry e) { return e.with_used(512).with_reported_frames(1); });
  expect_found("ZONE-4: every frame of a closed block is used", block);
}

TEST_F(ZoneInvariant, Zone4TheWordsOfAClosedBlockAreZero) {
  const std::uint32_t block = allocated_block({9});
  word(block, 15).store(std::uint64_t{1} << 40);
  expect_found("ZONE-4: the words", block);
}

TEST_F(ZoneInvariant, Zone5ABlockIsListedAtHome) {
  zone().tables().listed(kFreeList).remove(6);
  expect_found("ZONE-5", 6);
}

TEST_F(ZoneInvariant, Zone5APartlyUsedBlockToo) {
  const std::uint32_t block = allocated_block();
  cache().retire();
  zone().tables().listed(list_of(zone().tables().entry(block))).remove(block);
  expect_found("ZONE-5", block);
}

TEST_F(ZoneInvariant, Zone6WhatCanBeReportedIsInADirtyBlock) {
  zone().tables().dirty().remove(2);
  EXPECT_TRUE(zone_check(zone()).none()) << "its buddy brings the reporter here";
  zone().tables().dirty().remove(3);
  expect_found("ZONE-6", 2);
}

TEST_F(ZoneInvariant, Zone7IsolatedCountsTheIsolatedFrames) {
  zone().tables().reports().isolated.fetch_add(1);
  expect_found("ZONE-7: isolated", 0);
}

TEST_F(ZoneInvariant, Zone7WhatLeftTheBlocksIsUsed) {
  // A lost frame: used in its word and its entry, and not allocated.
  word(5).fetch_or(1);
  corrupt(5, [](BlockEntry e) { return e.with_used(1); });
  expect_found("ZONE-7: frames that left the blocks", 0);
}

TEST_F(ZoneInvariant, Zone7AFrameThatWasFreedTwice) {
  const std::uint32_t block = allocated_block({9});
  corrupt(block, [](BlockEntry e) { return e.with_whole(false).with_used(0); });
  expect_found("ZONE-7: frames that left the blocks", 0);
}

TEST_F(ZoneInvariant, Zone7ReportedFramesThatWereNotTakenAreThere) {
  word(5).fetch_or(std::uint64_t{1} << 32);
  corrupt(5, [](BlockEntry e) { return e.with_reported_frames(1); });
  expect_found("ZONE-7: frames that were reported", 0);
}

TEST_F(ZoneInvariant, Zone8AFrameInAHandIsUsedAndNotReported) {
  const std::uint32_t block = allocated_block();
  word(block).fetch_and(~(std::uint64_t{1} << 31));
  expect_found("ZONE-8: a frame in a hand is used", block);
  word(block).fetch_or((std::uint64_t{1} << 31) | (std::uint64_t{1} << 63));
  expect_found("ZONE-8: a frame in a hand is used", block);
}

TEST_F(ZoneInvariant, Zone8NoFrameIsInTwoHands) {
  // Makes the second cache treat the frames of the first as free.
  const std::uint32_t block = allocated_block();
  word(block).store(0);
  corrupt(block, [](BlockEntry e) { return e.with_used(0).with_owner(0); });
  ASSERT_EQ(cache(1).allocate().pfn.raw / kBlockFrames, block);
  expect_found("ZONE-8: no frame is in two hands", block);
}

TEST_F(ZoneInvariant, Zone8AHandLiesInABlockThatItsCacheOwns) {
  const std::uint32_t block = allocated_block();
  corrupt(block, [](BlockEntry e) { return e.with_owner(2); });
  expect_found("ZONE-8: a hand lies in a block", block);
  corrupt(block, [](BlockEntry e) { return e.with_owner(0); });
  expect_found("ZONE-8: a hand lies in a block", block);
}

TEST_F(ZoneInvariant, Zone8AHandHoldsFramesOfItsZone) {
  // Takes the block of the hand as a whole without the knowledge of its cache.
  const std::uint32_t block = allocated_block();
  for (unsigned i = 0; i < kBlockWords; ++i) word(block, i).store(0);
  corrupt(block, [](BlockEntry e) { return e.with_used(512).with_whole(true).with_owner(0); });
  const Violation found = zone_check(zone());
  ASSERT_FALSE(found.none());
}

// A search misses a listed block: a leaf has members and its parent does not show it.
TEST(IndexInvariant, Idx1AQuietSearchIsExact) {
  TestZone zone({{0}, {200 * kBlockFrames}, 1});
  ASSERT_TRUE(zone_check(*zone).none());
  const std::vector<std::uint64_t> before(zone.tables().begin(), zone.tables().end());
  for (std::uint32_t b = 128; b < 192; ++b) zone->tables().listed(kFreeList).remove(b);
  // Restores only the leaf; zero bits are members here.
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (zone.tables()[i] == ~std::uint64_t{0}) zone.tables()[i] = before[i];
  }
  EXPECT_TRUE(zone->tables().listed(kFreeList).contains(128));
  const Violation found = zone_check(*zone);
  ASSERT_FALSE(found.none());
  EXPECT_EQ(std::string(found.invariant).substr(0, 5), "IDX-1");
}

}  // namespace
}  // namespace fallow::detail
