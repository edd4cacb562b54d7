// Allocations of every order and mobility.
#include <algorithm>
#include <set>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

class Allocate : public ZoneTest {};

class AllocateOrder : public ZoneTest, public testing::WithParamInterface<unsigned> {
 protected:
  const Order order_{static_cast<std::uint8_t>(GetParam())};
};

TEST_P(AllocateOrder, GivesAlignedFramesOnceUntilThereAreNoMore) {
  std::set<std::uint64_t> given;
  for (std::uint64_t i = 0; i < kBlocks * kBlockFrames / frames(order_).raw; ++i) {
    const Mobility mobility = static_cast<Mobility>(i % kMobilities);
    if (free().raw <= 8 * kWordFrames) drain_all();  // the remaining frames may lie in a hand
    const Pfn pfn = must_allocate(order_, mobility, static_cast<std::uint32_t>(i % 2));
    ASSERT_TRUE(given.insert(pfn.raw).second) << pfn.raw << " was given out twice";
    if (HasFailure()) return;
  }
  expect_consistent();
  drain_all();
  for (std::uint32_t c = 0; c < 2; ++c) EXPECT_EQ(cache(c).allocate(order_).status, Status::NoMemory);
  EXPECT_EQ(used().raw, kBlocks * kBlockFrames);
  for (const std::uint64_t pfn : given) must_free({pfn}, order_);
  drain_all();
  EXPECT_EQ(used().raw, 0u);
}

TEST_P(AllocateOrder, InAZoneWithAnOddBase) {
  make({{kBase.raw + 333}, {5 * kBlockFrames + 77}, 1});
  std::vector<Pfn> given;
  for (;;) {
    const Allocation got = cache().allocate(order_);
    if (!got.ok()) break;
    ASSERT_TRUE(aligned(got.pfn, order_));
    ASSERT_TRUE(zone().contains(got.pfn, frames(order_)));
    given.push_back(got.pfn);
  }
  // As many as there are aligned slots.
  const std::uint64_t size = frames(order_).raw, first = (zone().base().raw + size - 1) / size,
                      end = (zone().base() + zone().size()).raw / size;
  EXPECT_EQ(given.size(), end - first);
  expect_consistent();
  for (const Pfn pfn : given) must_free(pfn, order_);
}

// Every frame except one run of the order is taken: the run is found, wherever it lies.
TEST_P(AllocateOrder, FindsTheLastRun) {
  const std::vector<Pfn> all = exhaust();
  ASSERT_EQ(all.size(), kBlocks * kBlockFrames);
  const std::uint64_t places = kBlocks * kBlockFrames / frames(order_).raw;
  for (std::uint64_t place = 0; place < places; place += places / 8) {
    const Pfn run = kBase + PfnCount{place * frames(order_).raw};
    must_free(run, order_);
    cache().drain();
    EXPECT_EQ(must_allocate(order_, Mobility::Unmovable, 1), run);
    EXPECT_EQ(cache(1).allocate(order_).status, Status::NoMemory);
  }
}

INSTANTIATE_TEST_SUITE_P(, AllocateOrder, testing::Range(0U, kMaxOrder.raw + 1U));

TEST_F(Allocate, RefusesLargerOrdersAndUnknownMobilities) {
  EXPECT_EQ(cache().allocate({11}).status, Status::InvalidArgument);
  EXPECT_EQ(cache().allocate({255}).status, Status::InvalidArgument);
  volatile unsigned unknown = kMobilities;
  EXPECT_EQ(cache().allocate({}, static_cast<Mobility>(unknown)).status, Status::InvalidArgument);
  EXPECT_EQ(cache().allocate({3}, static_cast<Mobility>(unknown)).status, Status::InvalidArgument);
}

TEST_F(Allocate, OrdersShareTheZoneWithoutOverlap) {
  std::vector<bool> taken(kBlocks * kBlockFrames, false);
  std::uint64_t total = 0;
  for (unsigned i = 0;; ++i) {
    const Order order{static_cast<std::uint8_t>(i * 7 % 11)};
    const Allocation got = cache(i % 2).allocate(order, static_cast<Mobility>(i % 3));
    if (!got.ok()) break;
    for (std::uint64_t f = 0; f < frames(order).raw; ++f) {
      const std::uint64_t index = (got.pfn - kBase).raw + f;
      ASSERT_FALSE(taken[index]) << index;
      taken[index] = true;
    }
    total += frames(order).raw;
    expect_consistent();
  }
  EXPECT_EQ(used().raw, total);
}

TEST_F(Allocate, ExhaustionIsAnAnswerAndPasses) {
  const std::vector<Pfn> all = exhaust();
  EXPECT_EQ(all.size(), kBlocks * kBlockFrames);
  EXPECT_EQ(free().raw, 0u);
  for (std::uint8_t order = 0; order <= kMaxOrder.raw; ++order) {
    EXPECT_EQ(cache(order % 2).allocate({order}).status, Status::NoMemory);
  }
  expect_consistent();
  must_free(all[1234]);
  EXPECT_EQ(must_allocate(), all[1234]) << "at once, by the cache that freed it";
}

// The last free frame lies in a block that the other cache owns, for another mobility.
TEST_F(Allocate, FindsTheLastFrameInABlockOfAnotherCache) {
  for (unsigned left = 1; left <= 3; ++left) {
    make({kBase, {kBlocks * kBlockFrames}, 2});
    allocate_many(kBlocks * kBlockFrames - 40, Mobility::Movable);
    const Pfn one = must_allocate({}, Mobility::Unmovable);
    EXPECT_EQ(zone().tables().entry(block_of(one)).owner(), 1u);
    cache(0).drain();
    for (unsigned i = 0; i < 39; ++i) must_allocate({}, Mobility::Reclaimable, 1);
    EXPECT_EQ(cache(1).allocate().status, Status::NoMemory);
    expect_consistent();
  }
}

// A frame in the hand of another cache is out of reach until that cache serves the drain request.
TEST_F(Allocate, AFailureAsksTheOtherCachesToDrain) {
  make({kBase, {kWordFrames}, 2});
  const Pfn one = must_allocate({}, Mobility::Movable, 1);
  EXPECT_EQ(cache(0).allocate().status, Status::NoMemory) << "31 frames lie in the hand of cache 1";
  must_free(one, {}, 1);
  // That cache gives back its frames when it next leaves its fast path.
  const Pfn other = must_allocate({1}, Mobility::Unmovable, 1);
  must_free(other, {1}, 1);
  EXPECT_TRUE(cache(0).allocate().ok());
}

TEST_F(Allocate, SingleFramesComeFromOneWordAfterTheOther) {
  const std::vector<Pfn> all = allocate_many(3 * kWordFrames);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_EQ(all[i].raw, all[0].raw + i);
}

// Runs of up to 16 frames come from the hand, which is filled one word at a time.
TEST_F(Allocate, SmallRunsComeFromOneWordAfterTheOther) {
  for (const Order order : {Order{1}, Order{2}, Order{3}, Order{4}}) {
    retire_all();
    const std::uint64_t before = cache().counts().taken;
    const Pfn first = must_allocate(order);
    EXPECT_EQ(cache().counts().taken - before, kWordFrames) << int{order.raw};
    for (std::uint64_t i = frames(order).raw; i < kWordFrames; i += frames(order).raw)
      EXPECT_EQ(must_allocate(order).raw, first.raw + i);
    EXPECT_EQ(cache().counts().taken - before, kWordFrames) << int{order.raw};
  }
}

}  // namespace
}  // namespace fallow::detail
