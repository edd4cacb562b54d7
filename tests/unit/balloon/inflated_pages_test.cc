#include "fallow/balloon/inflated_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "tests/support/recording_backing.h"

namespace fallow {
namespace {

class Inflated : public ::testing::Test {
 protected:
  Inflated() {
    const std::array regions{MappedRegion{{{0}, {100 * kFrameSize}, &byte}, &backing, {0}},
                             MappedRegion{{{1 << 30}, {200 * kFrameSize}, &byte}, &backing, {0}}};
    EXPECT_EQ(map.assign(regions), Status::Ok);
    words.resize(InflatedPages::words(map));
    pages = InflatedPages(map, words);
  }
  std::byte byte{};
  RecordingBacking backing{&byte, {0}, {1}};
  MemoryMap map;
  std::vector<std::uint64_t> words;
  InflatedPages pages;
};

TEST_F(Inflated, AddedOnceAndRemovedOnce) {
  EXPECT_TRUE(pages.add(0, {99}));
  EXPECT_FALSE(pages.add(0, {99}));
  EXPECT_TRUE(pages.add(1, {0})) << "its neighbour in the bits is another region's";
  EXPECT_EQ(pages.count().raw, 2u);
  EXPECT_TRUE(pages.remove(0, {99}));
  EXPECT_FALSE(pages.remove(0, {99}));
  EXPECT_FALSE(pages.remove(1, {1}));
  EXPECT_EQ(pages.count().raw, 1u);
  pages.clear();
  EXPECT_EQ(pages.count().raw, 0u);
  EXPECT_TRUE(pages.add(1, {0}));
}

TEST_F(Inflated, AllOfARangeWhateverItsPlaceInAWord) {
  std::mt19937 random(3);
  std::array<bool, 200> in{};
  for (int round = 0; round < 3000; ++round) {
    const std::uint64_t frame = random() % 200;
    if (random() % 8 != 0) {
      pages.add(1, {frame});
      in[frame] = true;
    } else {
      pages.remove(1, {frame});
      in[frame] = false;
    }
    const std::uint64_t first = random() % 200, n = 1 + random() % (200 - first);
    const bool all = std::all_of(in.begin() + static_cast<long>(first),
                                 in.begin() + static_cast<long>(first + n), [](bool b) { return b; });
    ASSERT_EQ(pages.all(1, {first}, {n}), all) << first << " " << n;
  }
}

TEST_F(Inflated, EachIsNamedByItsRegion) {
  for (const std::uint64_t frame : {0u, 63u, 99u}) pages.add(0, {frame});
  for (const std::uint64_t frame : {0u, 27u, 28u, 199u}) pages.add(1, {frame});
  std::vector<std::pair<std::size_t, std::uint64_t>> seen;
  pages.for_each([&](std::size_t region, PfnCount frame) { seen.emplace_back(region, frame.raw); });
  const std::vector<std::pair<std::size_t, std::uint64_t>> expected = {{0, 0},  {0, 63}, {0, 99}, {1, 0},
                                                                       {1, 27}, {1, 28}, {1, 199}};
  EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace fallow
