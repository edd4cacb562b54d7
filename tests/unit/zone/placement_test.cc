// Placement: frames that are freed together leave wholly free blocks.
#include <algorithm>
#include <set>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class Placement : public ZoneTest {};

TEST_F(Placement, TheFullestBlockComesFirst) {
  // Allocates three blocks and frees all but 100, 400 and 200 of their frames.
  const std::vector<Pfn> all = allocate_many(3 * kBlockFrames);
  const unsigned keep[3] = {100, 400, 200};
  for (unsigned b = 0; b < 3; ++b) {
    for (unsigned i = keep[b]; i < kBlockFrames; ++i) must_free(all[b * kBlockFrames + i]);
  }
  retire_all();
  const auto block = [&](unsigned b) { return block_of(all[b * kBlockFrames]); };
  for (unsigned i = 0; i < 112; ++i) EXPECT_EQ(block_of(must_allocate()), block(1));
  for (unsigned i = 0; i < 312; ++i) EXPECT_EQ(block_of(must_allocate()), block(2));
  for (unsigned i = 0; i < 412; ++i) EXPECT_EQ(block_of(must_allocate()), block(0));
  EXPECT_EQ(block_of(must_allocate()), block(2) - 1) << "a wholly free block comes last";
}

// Frames come from one end of the zone, whole blocks from the other, where the reporter begins too.
TEST_F(Placement, FramesAndWholeBlocksComeFromOppositeEnds) {
  EXPECT_EQ(block_of(must_allocate()), kBlocks - 1);
  EXPECT_EQ(block_of(must_allocate({3}, Mobility::Unmovable)), kBlocks - 2);
  EXPECT_EQ(block_of(must_allocate({9})), 0u);
  EXPECT_EQ(block_of(must_allocate({10})), 2u);
}

TEST_F(Placement, RunsPreferTheFullestBlockToo) {
  const std::vector<Pfn> all = allocate_many(2 * kBlockFrames);
  for (unsigned i = 64; i < kBlockFrames; ++i) must_free(all[i]);
  for (unsigned i = 384; i < kBlockFrames; ++i) must_free(all[kBlockFrames + i]);
  retire_all();
  for (unsigned i = 0; i < 128 / 16; ++i)
    EXPECT_EQ(block_of(must_allocate({4})), block_of(all[kBlockFrames]));
  EXPECT_EQ(block_of(must_allocate({4})), block_of(all[0]));
}

TEST_F(Placement, MobilitiesDoNotShareABlock) {
  std::set<std::uint32_t> blocks[kMobilities];
  for (unsigned i = 0; i < 1200; ++i) {
    const Mobility mobility = static_cast<Mobility>(i % kMobilities);
    blocks[i % kMobilities].insert(block_of(must_allocate({static_cast<std::uint8_t>(i % 4)}, mobility)));
  }
  for (unsigned a = 0; a < kMobilities; ++a) {
    for (const std::uint32_t b : blocks[a]) {
      EXPECT_EQ(static_cast<unsigned>(zone().tables().entry(b).mobility()), a);
      for (unsigned other = 0; other < a; ++other) EXPECT_EQ(blocks[other].count(b), 0u) << "block " << b;
    }
  }
}

TEST_F(Placement, CachesDoNotShareABlock) {
  std::set<std::uint32_t> blocks[2];
  for (unsigned i = 0; i < 2000; ++i) {
    blocks[i % 2].insert(block_of(must_allocate({}, Mobility::Movable, i % 2)));
  }
  for (const std::uint32_t b : blocks[0]) EXPECT_EQ(blocks[1].count(b), 0u);
}

// The entries of 8 blocks share a cache line, for which two busy caches would contend.
TEST_F(Placement, CachesTakeTheirBlocksFromGroupsOfTheirOwn) {
  make({kBase, {64 * kBlockFrames}, 3});
  std::set<std::uint32_t> groups[3];
  for (unsigned i = 0; i < 3 * 12 * kBlockFrames; ++i)
    groups[i % 3].insert(block_of(must_allocate({}, Mobility::Movable, i % 3)) / 8);
  for (unsigned a = 0; a < 3; ++a) {
    EXPECT_EQ(groups[a].size(), 2u);
    for (const std::uint32_t g : groups[a]) EXPECT_EQ(groups[(a + 1) % 3].count(g), 0u) << "group " << g;
  }
}

// If no such group is left, they take any block.
TEST_F(Placement, CachesShareAGroupBeforeTheyGoWithout) {
  make({kBase, {8 * kBlockFrames}, 2});
  for (unsigned i = 0; i < 8 * kBlockFrames; ++i) must_allocate({}, Mobility::Movable, i % 2);
  EXPECT_EQ(used().raw, 8 * kBlockFrames);
}

// The block of the last run becomes wholly free and goes to another mobility: the next run is placed
// elsewhere.
TEST_F(Placement, ARunDoesNotFollowItsLastBlockIntoAnotherMobility) {
  const Pfn run = must_allocate({3});
  must_free(run, {3});
  cache().retire();
  const Pfn unmovable = must_allocate({}, Mobility::Unmovable);
  ASSERT_EQ(block_of(unmovable), block_of(run));
  EXPECT_NE(block_of(must_allocate({3})), block_of(run));
}

// A run does not split a reported block while there are others.
TEST_F(Placement, ARunDoesNotFollowItsLastBlockWhenThatIsReported) {
  const Pfn keep = must_allocate({}, Mobility::Movable, 1);
  const Pfn run = must_allocate({8}, Mobility::Movable, 0);
  const Pfn fill = must_allocate({8}, Mobility::Movable, 0);
  must_free(run, {8});
  must_free(fill, {8});
  retire_all();
  report();
  ASSERT_EQ(zone().tables().entry(block_of(run)).reported_frames(),
            block_of(run) == block_of(keep) ? 0u : kBlockFrames);
  EXPECT_EQ(block_of(must_allocate({3})), block_of(keep));
}

TEST_F(Placement, UnreportedBlocksComeBeforeReportedOnes) {
  const Pfn ten = must_allocate({10});
  ASSERT_EQ(ten, kBase);
  EXPECT_EQ(report(), (kBlocks - 2) * kBlockFrames);
  must_free(ten, {10});
  // Blocks 0 and 1 are free and unreported, the others reported.
  EXPECT_LT(block_of(must_allocate()), 2u);
  retire_all();
  EXPECT_LT(block_of(must_allocate({9})), 2u);
  EXPECT_GE(block_of(must_allocate({9})), 2u);
}

TEST_F(Placement, UnreportedPairsComeBeforeReportedOnes) {
  const std::vector<Pfn> tens = {must_allocate({10}), must_allocate({10}), must_allocate({10})};
  report();
  must_free(tens[2], {10});
  EXPECT_EQ(must_allocate({10}), tens[2]);
  EXPECT_GT(must_allocate({10}), tens[2]) << "a reported pair when there is no other";
}

TEST_F(Placement, AnotherMobilityOnlyWhenNothingElseIsLeft) {
  make({kBase, {2 * kBlockFrames}, 1});
  allocate_many(kBlockFrames - 1, Mobility::Unmovable);
  allocate_many(kBlockFrames, Mobility::Movable);
  EXPECT_EQ(zone().tables().entry(block_of(must_allocate({}, Mobility::Movable))).mobility(),
            Mobility::Unmovable);
}

TEST_F(Placement, AnEmptyBlockChangesSides) {
  make({kBase, {2 * kBlockFrames}, 1});
  allocate_many(10, Mobility::Unmovable);
  cache().retire();
  allocate_many(kBlockFrames, Mobility::Reclaimable);
  const Pfn pfn = must_allocate({}, Mobility::Movable);
  EXPECT_EQ(zone().tables().entry(block_of(pfn)).mobility(), Mobility::Movable)
      << "less than half of it was used";
}

}  // namespace
}  // namespace fallow::detail
