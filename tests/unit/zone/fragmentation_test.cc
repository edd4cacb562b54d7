// Blocks become wholly free again after memory was fragmented: bench/fragmentation_bench.cc, reduced to the
// size of a test.
#include <algorithm>
#include <random>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class Fragmentation : public ZoneTest {
 protected:
  static constexpr std::uint64_t kZoneBlocks = 512;  // 1 GiB

  void SetUp() override {
    make({kBase, {kZoneBlocks * kBlockFrames}, 2});
    used_ = allocate_many(kZoneBlocks * kBlockFrames);
    std::shuffle(used_.begin(), used_.end(), random_);
    for (std::size_t i = used_.size() / 2; i < used_.size(); ++i) must_free(used_[i], {}, 0);
    used_.resize(used_.size() / 2);
  }

  // Frees each frame of a random tenth and allocates another.
  void round(std::uint32_t caches) {
    for (std::size_t i = 0; i < used_.size() / 10; ++i) {
      std::swap(used_[i], used_[std::uniform_int_distribution<std::size_t>(i, used_.size() - 1)(random_)]);
      const std::uint32_t c = static_cast<std::uint32_t>(i % caches);
      must_free(used_[i], {}, c);
      used_[i] = must_allocate({}, Mobility::Movable, c);
    }
  }

  unsigned free_blocks() {
    unsigned n = 0;
    for (std::uint32_t b = 0; b < zone().tables().blocks(); ++b)
      n += zone().tables().entry(b).wholly_free() ? 1 : 0;
    return n;
  }

  std::vector<Pfn> used_;
  std::mt19937_64 random_{1};
};

// Out of 256 blocks that could be wholly free. A frame that is not freed on purpose stays for 60 rounds with
// probability 0.9^60, so a block that receives none is free with probability 0.63: 161 blocks.
TEST_F(Fragmentation, HalfOfTheBlocksBecomeFreeAgain) {
  for (unsigned i = 0; i < 60; ++i) round(1);
  EXPECT_GE(free_blocks(), 153u);
  for (unsigned i = 60; i < 100; ++i) round(1);
  EXPECT_GE(free_blocks(), 252u);
}

TEST_F(Fragmentation, WithTwoCachesToo) {
  for (unsigned i = 0; i < 100; ++i) round(2);
  EXPECT_GE(free_blocks(), 250u);
}

// A free and an allocation in a full block touch no shared state: the frame does not leave the cache.
TEST_F(Fragmentation, AFrameOfAFullBlockIsReused) {
  make({kBase, {kBlocks * kBlockFrames}, 1});
  const std::vector<Pfn> all = allocate_many(4 * kBlockFrames);
  const CacheCounts before = cache().counts();
  for (unsigned i = 0; i < all.size(); i += 7) {
    must_free(all[i]);
    EXPECT_EQ(must_allocate(), all[i]);
  }
  EXPECT_EQ(cache().counts().taken, before.taken);
  EXPECT_EQ(cache().counts().returned, before.returned);
}

TEST_F(Fragmentation, ARunOfAFullBlockIsReused) {
  make({kBase, {kBlocks * kBlockFrames}, 1});
  const std::vector<Pfn> all = allocate_many(4 * kBlockFrames);
  for (const Order order : {Order{1}, Order{2}, Order{3}, Order{4}, Order{5}}) {
    cache().drain();
    const CacheCounts before = cache().counts();
    for (std::uint64_t i = 0; i < all.size(); i += 7 * kWordFrames) {
      ASSERT_TRUE(aligned(all[i], order));
      must_free(all[i], order);
      EXPECT_EQ(must_allocate(order), all[i]);
      // No block of another order is free.
      must_free(all[i], order);
      const Pfn larger = must_allocate({6});
      must_free(larger, {6});
      EXPECT_EQ(must_allocate(order), all[i]);
    }
    cache().drain();
    EXPECT_EQ(cache().counts().taken - before.taken, cache().counts().returned - before.returned);
  }
}

}  // namespace
}  // namespace fallow::detail
