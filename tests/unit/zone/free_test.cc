// Legal frees: whole allocations, parts of them, and several at once.
#include <algorithm>
#include <random>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class Free : public ZoneTest {};

using OrderAndPart = std::tuple<unsigned, unsigned>;
class FreePart : public ZoneTest, public testing::WithParamInterface<OrderAndPart> {};

// An allocation of any order may be freed in parts of any smaller order, in any sequence, through any cache.
TEST_P(FreePart, OfALargerAllocation) {
  const auto [whole, part] = GetParam();
  if (part > whole) return;
  const Order order{static_cast<std::uint8_t>(whole)}, piece{static_cast<std::uint8_t>(part)};
  const std::uint64_t pieces = frames(order).raw / frames(piece).raw;
  std::mt19937 random(whole * 16 + part);
  const Pfn pfn = must_allocate(order);
  std::vector<std::uint64_t> sequence(pieces);
  for (std::uint64_t i = 0; i < pieces; ++i) sequence[i] = i;
  std::shuffle(sequence.begin(), sequence.end(), random);
  for (std::uint64_t i = 0; i < pieces; ++i) {
    must_free(pfn + PfnCount{sequence[i] * frames(piece).raw}, piece,
              static_cast<std::uint32_t>(random() % 2));
    ASSERT_EQ(used().raw, (pieces - i - 1) * frames(piece).raw);
    if (i % 64 == 0) expect_consistent();
  }
  drain_all();
  for (std::uint32_t b = 0; b < kBlocks; ++b) EXPECT_TRUE(zone().tables().entry(b).wholly_free());
  EXPECT_EQ(must_allocate(order), pfn) << "it is one block again";
}

INSTANTIATE_TEST_SUITE_P(, FreePart, testing::Combine(testing::Range(0U, 11U), testing::Range(0U, 11U)),
                         [](const testing::TestParamInfo<OrderAndPart>& info) {
                           return "Order" + std::to_string(std::get<0>(info.param)) + "InParts" +
                                  std::to_string(std::get<1>(info.param));
                         });

// Several allocations that together form an aligned block may be freed as that block.
TEST_F(Free, MergedAllocations) {
  const Order orders[] = {{8}, {7}, {6}, {5}, {4}, {3}, {2}, {1}, {0}, {0}};  // 512 frames, aligned
  Pfn first{~std::uint64_t{0}};
  for (const Order order : orders) first = std::min(first, must_allocate(order));
  ASSERT_EQ(used().raw, kBlockFrames);
  ASSERT_TRUE(aligned(first, kBlockOrder));
  must_free(first, kBlockOrder);
  EXPECT_EQ(used().raw, 0u);
}

TEST_F(Free, SingleFramesAsLargerBlocks) {
  for (std::uint8_t order = 1; order <= kMaxOrder.raw; ++order) {
    make({kBase, {kBlocks * kBlockFrames}, 2});
    const std::vector<Pfn> all = allocate_many(2048);
    const Pfn first = *std::min_element(all.begin(), all.end());
    ASSERT_EQ(*std::max_element(all.begin(), all.end()) - first, PfnCount{2047});
    for (std::uint64_t i = 0; i < 2048; i += frames({order}).raw) {
      must_free(first + PfnCount{i}, {order}, static_cast<std::uint32_t>(i / 1024 % 2));
    }
    drain_all();
    EXPECT_EQ(used().raw, 0u) << int{order};
    expect_consistent();
  }
}

TEST_F(Free, AWholeBlockAndASplitOneAsAPair) {
  const Pfn pair = must_allocate({10});
  must_free(pair + PfnCount{3});
  cache().drain();
  expect_misuse(pair, {10}, Status::NotAllocated);
  EXPECT_EQ(used().raw, 1023u) << "all of it or nothing";
  const Allocation hole = cache().allocate();
  ASSERT_TRUE(hole.ok());
  ASSERT_EQ(hole.pfn, pair + PfnCount{3});
  must_free(pair, {10});
  EXPECT_EQ(used().raw, 0u);
}

TEST_F(Free, APairWhoseSecondBlockIsFreeInPartIsNotFreedInPart) {
  const Pfn pair = must_allocate({10});
  must_free(pair + PfnCount{1023});
  cache().drain();
  expect_misuse(pair, {10}, Status::NotAllocated);
  EXPECT_EQ(used().raw, 1023u);
}

TEST_F(Free, ByAnotherCache) {
  const std::vector<Pfn> all = allocate_many(600);
  for (const Pfn pfn : all) must_free(pfn, {}, 1);
  EXPECT_EQ(used().raw, 0u);
  cache(1).drain();
  EXPECT_EQ(cache(1).counts().returned, 600u);
}

TEST_F(Free, BackIntoTheHandItCameFrom) {
  const Pfn pfn = must_allocate();
  const std::uint64_t returned = cache().counts().returned;
  for (unsigned i = 0; i < 100; ++i) {
    must_free(pfn);
    EXPECT_EQ(must_allocate(), pfn);
  }
  EXPECT_EQ(cache().counts().returned, returned) << "without the block being touched";
  must_free(pfn);
}

TEST_F(Free, InRandomOrderLeavesEveryBlockFree) {
  std::vector<Pfn> all = exhaust();
  std::shuffle(all.begin(), all.end(), std::mt19937(7));
  for (std::size_t i = 0; i < all.size(); ++i) must_free(all[i], {}, static_cast<std::uint32_t>(i % 2));
  drain_all();
  EXPECT_EQ(free_area(zone(), {10}).nr_free, kBlocks / 2);
}

// ---- drain and retire ----

TEST_F(Free, DrainGivesBackEverythingHeld) {
  for (unsigned m = 0; m < kMobilities; ++m) must_allocate({}, static_cast<Mobility>(m));
  must_free(must_allocate({2}, Mobility::Movable, 1), {2});
  EXPECT_EQ(zone_stats(zone()).cached.raw, 3 * 31u + 32);
  EXPECT_EQ(used().raw, 3u);
  cache(0).drain();
  cache(1).drain();
  EXPECT_EQ(zone_stats(zone()).cached.raw, 0u);
  EXPECT_EQ(used().raw, 3u);
  EXPECT_EQ(free_frames(zone()), free());
}

TEST_F(Free, RetireStrandsNothing) {
  const std::vector<Pfn> some = allocate_many(100);
  must_free(some[5], {}, 1);
  retire_all();
  for (std::uint32_t b = 0; b < kBlocks; ++b) EXPECT_EQ(zone().tables().entry(b).owner(), 0u);
  for (const Pfn pfn : some) {
    if (pfn != some[5]) must_free(pfn, {}, 1);
  }
  retire_all();
  EXPECT_EQ(free_area(zone(), {10}).nr_free, kBlocks / 2);
  EXPECT_TRUE(cache().allocate().ok()) << "a retired cache may be used again";
}

TEST_F(Free, ARequestedDrainIsServedOutsideTheFastPath) {
  must_allocate({}, Mobility::Movable, 1);
  EXPECT_EQ(cache(1).counts().in_hands, 31u);
  zone().request_drain();
  must_allocate({}, Mobility::Movable, 1);
  EXPECT_EQ(cache(1).counts().in_hands, 30u) << "the fast path does not look";
  must_allocate({3}, Mobility::Movable, 1);
  EXPECT_LT(cache(1).counts().in_hands, 30u);
}

}  // namespace
}  // namespace fallow::detail
