#include "guest/x86/boot/range_set.h"

#include <gtest/gtest.h>

#include <bitset>
#include <random>
#include <utility>
#include <vector>

namespace fallow::guest::x86 {
namespace {

using Pairs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

template <std::size_t kMost>
Pairs pairs(const RangeSet<kMost>& set) {
  Pairs all;
  for (const MemoryRange& range : set.ranges()) all.emplace_back(range.begin, range.end);
  return all;
}

TEST(RangeSet, IsInOrderWhateverTheOrderOfAdding) {
  RangeSet<8> set;
  EXPECT_TRUE(set.add({50, 60}));
  EXPECT_TRUE(set.add({10, 20}));
  EXPECT_TRUE(set.add({30, 40}));
  EXPECT_EQ(pairs(set), (Pairs{{10, 20}, {30, 40}, {50, 60}}));
}

TEST(RangeSet, MeltsWhatOverlapsAndTouches) {
  RangeSet<8> set;
  set.add({10, 20});
  set.add({30, 40});
  set.add({50, 60});
  EXPECT_TRUE(set.add({20, 35}));
  EXPECT_EQ(pairs(set), (Pairs{{10, 40}, {50, 60}}));
  EXPECT_TRUE(set.add({0, 100}));
  EXPECT_EQ(pairs(set), (Pairs{{0, 100}}));
}

TEST(RangeSet, EmptyAndTurnedRangesAreNothing) {
  RangeSet<8> set;
  EXPECT_TRUE(set.add({10, 10}));
  EXPECT_TRUE(set.add({20, 10}));
  set.add({0, 100});
  EXPECT_TRUE(set.remove({50, 50}));
  EXPECT_TRUE(set.remove({60, 50}));
  EXPECT_EQ(pairs(set), (Pairs{{0, 100}}));
}

TEST(RangeSet, AHoleSplitsTrimsAndSwallows) {
  RangeSet<8> set;
  set.add({0, 30});
  set.add({40, 50});
  set.add({60, 90});
  EXPECT_TRUE(set.remove({20, 70}));
  EXPECT_EQ(pairs(set), (Pairs{{0, 20}, {70, 90}}));
  EXPECT_TRUE(set.remove({5, 6}));
  EXPECT_EQ(pairs(set), (Pairs{{0, 5}, {6, 20}, {70, 90}}));
}

TEST(RangeSet, WithoutRoomNothingIsAddedAndASplitLosesTheSmallerPart) {
  RangeSet<2> set;
  set.add({0, 10});
  set.add({20, 100});
  EXPECT_FALSE(set.add({15, 16}));
  EXPECT_FALSE(set.remove({30, 40}));
  EXPECT_EQ(pairs(set), (Pairs{{0, 10}, {40, 100}}));
  EXPECT_TRUE(set.add({10, 40}));
  EXPECT_EQ(pairs(set), (Pairs{{0, 100}}));
}

TEST(RangeSet, HoldsWhatABitmapHolds) {
  constexpr std::size_t kSize = 64;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    RangeSet<kSize> set;
    std::bitset<kSize> oracle;
    for (int step = 0; step < 60; ++step) {
      const MemoryRange range{random() % kSize, random() % (kSize + 1)};
      const bool add = random() % 2 == 0;
      ASSERT_TRUE(add ? set.add(range) : set.remove(range));
      for (std::uint64_t i = range.begin; i < range.end; ++i) oracle[i] = add;
    }
    std::bitset<kSize> held;
    std::uint64_t last = 0;
    for (const MemoryRange& range : set.ranges()) {
      ASSERT_LT(range.begin, range.end) << "seed " << seed;
      ASSERT_TRUE(range.begin > last || last == 0) << "seed " << seed;
      last = range.end;
      for (std::uint64_t i = range.begin; i < range.end; ++i) held[i] = true;
    }
    ASSERT_EQ(held, oracle) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fallow::guest::x86
