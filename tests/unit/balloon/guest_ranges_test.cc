#include "fallow/balloon/device/detail/guest_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace fallow::detail {
namespace {

class Ranges : public ::testing::Test {
 protected:
  // "start-end" pairs.
  using Pairs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;
  Pairs joined(const Pairs& list) {
    ranges.clear();
    for (const auto& [start, end] : list) ranges.add({{start}, {end}});
    Pairs out;
    for (const GuestRange& r : ranges.join()) out.emplace_back(r.start.raw, r.end.raw);
    return out;
  }
  std::array<GuestRange, 64> storage;
  GuestRanges ranges{storage};
};

TEST_F(Ranges, SortedAndJoined) {
  EXPECT_EQ(joined({}), (Pairs{}));
  EXPECT_EQ(joined({{5, 6}}), (Pairs{{5, 6}}));
  EXPECT_EQ(joined({{5, 6}, {1, 2}, {3, 4}}), (Pairs{{1, 2}, {3, 4}, {5, 6}}));
  EXPECT_EQ(joined({{5, 6}, {4, 5}, {6, 7}}), (Pairs{{4, 7}}));
  EXPECT_EQ(joined({{1, 9}, {2, 3}, {12, 13}, {9, 10}}), (Pairs{{1, 10}, {12, 13}}));
  EXPECT_EQ(joined({{1, 2}, {1, 5}, {1, 3}}), (Pairs{{1, 5}}));
}

TEST_F(Ranges, JoiningTwiceIsJoiningOnce) {
  joined({{5, 6}, {1, 2}});
  EXPECT_EQ(ranges.join().size(), 2u);
  EXPECT_EQ(ranges.join()[0].start.raw, 1u);
}

TEST_F(Ranges, NeighboursTakeOnePlaceHoweverMany) {
  for (std::uint64_t i = 0; i < 1000; ++i) ranges.add({{i}, {i + 1}});
  EXPECT_EQ(ranges.join().size(), 1u);
  ranges.clear();
  for (std::uint64_t i = 1000; i-- > 0;) ranges.add({{i}, {i + 1}});
  ASSERT_EQ(ranges.join().size(), 1u);
  EXPECT_EQ(ranges.join()[0].end.raw, 1000u);
}

TEST_F(Ranges, AnyOrderLikeAMapOfBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::array<bool, 256> bytes{};
    Pairs list;
    for (std::size_t n = random() % storage.size(); n-- > 0;) {
      const std::uint64_t start = random() % 250, end = start + 1 + random() % (round % 2 == 0 ? 2 : 6);
      list.emplace_back(start, end);
      std::fill(bytes.begin() + static_cast<long>(start), bytes.begin() + static_cast<long>(end), true);
    }
    Pairs expected;
    for (std::uint64_t i = 0; i < bytes.size(); ++i) {
      if (!bytes[i]) continue;
      if (expected.empty() || expected.back().second != i) expected.emplace_back(i, i);
      expected.back().second = i + 1;
    }
    ASSERT_EQ(joined(list), expected);
  }
}

}  // namespace
}  // namespace fallow::detail
