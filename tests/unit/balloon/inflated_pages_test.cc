#include "fallow/balloon/device/detail/inflated_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <vector>

#include "tests/support/recording_backing.h"

namespace fallow::detail {
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
  EXPECT_TRUE(pages.add(1, {0})) << "the next bit belongs to another region";
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

// Many pages, far apart, in a memory most of which is never accessed.
TEST(InflatedOfALargeMemory, IsWhatWasAdded) {
  constexpr std::uint64_t kFrames = std::uint64_t{1} << 24;
  std::byte byte{};
  RecordingBacking backing{&byte, {0}, {1}};
  MemoryMap map;
  const std::array regions{MappedRegion{{{0}, {kFrames * kFrameSize}, &byte}, &backing, {0}}};
  ASSERT_EQ(map.assign(regions), Status::Ok);
  std::vector<std::uint64_t> words(InflatedPages::words(map));
  InflatedPages pages(map, words);
  std::mt19937 random(5);
  std::set<std::uint64_t> in;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 4000; ++i) {
      const std::uint64_t frame = i % 8 == 0 ? random() % kFrames : random() % 4096;
      if (random() % 3 != 0) {
        ASSERT_EQ(pages.add(0, {frame}), in.insert(frame).second);
      } else {
        ASSERT_EQ(pages.remove(0, {frame}), in.erase(frame) != 0);
      }
    }
    std::vector<std::uint64_t> seen;
    pages.for_each([&](std::size_t, PfnCount frame) { seen.push_back(frame.raw); });
    ASSERT_TRUE(std::equal(seen.begin(), seen.end(), in.begin(), in.end()));
    ASSERT_EQ(pages.count().raw, in.size());
    if (round == 0) continue;
    pages.clear();
    in.clear();
    ASSERT_EQ(std::count(words.begin(), words.end(), 0U), static_cast<std::ptrdiff_t>(words.size()));
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
}  // namespace fallow::detail
