// The frame handed out last is handed out first after its free, and no other thread gets it meanwhile
// (ZONE-9).
#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class LastFrame : public ZoneTest {
 protected:
  std::uint32_t seen_in_hand(Pfn pfn) {
    const std::uint64_t index = zone().tables().index_of(pfn);
    return cache().in_hand(static_cast<std::uint32_t>(index / kWordFrames),
                           std::uint32_t{1} << (index % kWordFrames));
  }
};

TEST_F(LastFrame, IsAllocatedAgain) {
  const Pfn first = must_allocate();
  for (int i = 0; i < 100; ++i) {
    must_free(first);
    EXPECT_EQ(must_allocate(), first);
  }
  must_free(first);
  expect_consistent();
}

TEST_F(LastFrame, CountsAsInTheHand) {
  const Pfn pfn = must_allocate();
  const std::uint64_t in_hands = cache().counts().in_hands;
  EXPECT_EQ(seen_in_hand(pfn), 0u);
  must_free(pfn);
  EXPECT_NE(seen_in_hand(pfn), 0u);
  EXPECT_EQ(cache().counts().in_hands, in_hands + 1);
  expect_consistent();
}

TEST_F(LastFrame, IsRefusedASecondTime) {
  const Pfn pfn = must_allocate();
  must_free(pfn);
  expect_misuse(pfn, {}, Status::NotAllocated, 0);
  expect_misuse(pfn, {}, Status::NotAllocated, 1);
  EXPECT_EQ(must_allocate(), pfn);
  must_free(pfn);
  expect_consistent();
}

// The frame was freed already, through another cache.
TEST_F(LastFrame, FreedByAnotherCacheIsNotTakenBack) {
  const Pfn pfn = must_allocate();
  must_free(pfn, {}, 1);
  cache(1).drain();
  expect_misuse(pfn, {}, Status::NotAllocated, 0);
  EXPECT_NE(must_allocate(), pfn) << "its hand has others first";
  expect_consistent();
}

// The same if the other cache allocated the whole block and freed the frame through it.
TEST_F(LastFrame, OfABlockThatIsAnothersNowIsNotTakenBack) {
  const std::vector<Pfn> all = allocate_many(kWordFrames);  // the hand is empty
  const Pfn pfn = all.back();
  for (const Pfn p : all) must_free(p, {}, 1);
  cache(1).drain();
  Pfn whole;
  do {
    whole = must_allocate(kBlockOrder, Mobility::Movable, 1);
  } while (block_of(whole) != block_of(pfn) && !HasFailure());
  must_free(pfn);
  EXPECT_EQ(cache(0).counts().in_hands, 0u);
  EXPECT_EQ(cache(0).counts().pending, 1u);
  expect_consistent();
  expect_misuse(pfn, {}, Status::NotAllocated, 0);
}

// Frees by other caches before a refill do not affect the new hand.
TEST_F(LastFrame, IsTakenBackAgainOnceTheHandIsFilled) {
  const std::vector<Pfn> all = allocate_many(kWordFrames);
  must_free(all[0], {}, 1);
  cache(1).drain();
  const Pfn pfn = must_allocate();
  must_free(pfn);
  EXPECT_EQ(must_allocate(), pfn);
}

TEST_F(LastFrame, IsDrained) {
  const Pfn pfn = must_allocate();
  must_free(pfn);
  drain_all();
  EXPECT_EQ(seen_in_hand(pfn), 0u);
  EXPECT_EQ(used().raw, 0u);
  expect_misuse(pfn, {}, Status::NotAllocated, 0);
  expect_consistent();
}

// An allocation of several frames finds the last frame in its hand.
TEST_F(LastFrame, IsAPartOfARun) {
  const Pfn first = must_allocate(), second = must_allocate();
  must_free(first);
  must_free(second);
  const Pfn pair = must_allocate({1});
  EXPECT_EQ(pair, first);
  must_free(pair, {1});
  drain_all();
  EXPECT_EQ(used().raw, 0u);
  expect_consistent();
}

TEST_F(LastFrame, IsLeftAloneByOtherMobilities) {
  const Pfn pfn = must_allocate();
  must_free(pfn);
  const Allocation other = cache().allocate({}, Mobility::Unmovable);
  ASSERT_TRUE(other.ok());
  EXPECT_NE(other.pfn, pfn);
  EXPECT_EQ(must_allocate(), pfn);
  must_free(pfn);
  must_free(other.pfn);
  drain_all();
  EXPECT_EQ(used().raw, 0u);
  expect_consistent();
}

// A reported frame is unreported once it is handed out, and stays so after its free.
TEST_F(LastFrame, HoldsNoPromise) {
  const Allocation got = cache().allocate();
  ASSERT_TRUE(got.ok());
  must_free(got.pfn);
  const Allocation again = cache().allocate();
  EXPECT_EQ(again.pfn, got.pfn);
  EXPECT_FALSE(again.content_known);
  must_free(again.pfn);
}

// The same for whole blocks: two operations on the entry and none on the lists.
TEST_F(LastFrame, AWholeBlockIsAllocatedAgain) {
  const Pfn lowest = must_allocate({9}), block = must_allocate({9});
  must_free(lowest, {9});
  must_free(block, {9});
  EXPECT_EQ(must_allocate({9}), block);
  expect_consistent();
  EXPECT_TRUE(zone().tables().listed(kFreeList).contains(block_of(block)))
      << "until a search comes across it";
  EXPECT_EQ(must_allocate({9}), lowest);
  EXPECT_EQ(block_of(must_allocate({9})), block_of(block) + 1);
  EXPECT_FALSE(zone().tables().listed(kFreeList).contains(block_of(block)));
  must_free(block, {9});
  expect_consistent();
}

TEST_F(LastFrame, AWholeBlockIsNobodyElsesNorReported) {
  const Pfn lowest = must_allocate({9}), block = must_allocate({9});
  must_free(lowest, {9});
  must_free(block, {9});
  EXPECT_EQ(take_whole(block_of(block)), block);  // found by its own search
  must_free(block, {9}, 1);
  must_free(must_allocate({3}), {3});
  cache().retire();
  const Pfn again = must_allocate({9});
  must_free(again, {9});
  const std::uint64_t reported = report();
  EXPECT_EQ(reported, kBlocks * kBlockFrames);
  EXPECT_EQ(must_allocate({9}), lowest) << "a reported block is not taken back";
  expect_consistent();
}

TEST_F(LastFrame, HalfOfAPairIsNot) {
  const Pfn single = must_allocate({9}), pair = must_allocate({10});
  must_free(single, {9});
  must_free(pair, {10});
  EXPECT_EQ(must_allocate({9}), single);
}

}  // namespace
}  // namespace fallow::detail
