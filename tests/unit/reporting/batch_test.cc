// R5 batch, R6 isolation.
#include <random>
#include <set>

#include "fallow/zone/detail/isolation.h"
#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

class R5Batch : public ::testing::TestWithParam<std::tuple<unsigned, unsigned>> {
 protected:
  Order order() const { return Order{static_cast<std::uint8_t>(std::get<0>(GetParam()))}; }
  std::uint32_t capacity() const { return std::get<1>(GetParam()); }
};

// A zone with free runs of random lengths; everything left unreported must be too small to report.
TEST_P(R5Batch, HasTheShape) {
  Rig rig(mebibytes(64));
  rig.box().fill();
  std::mt19937 random(order().raw * 1000 + capacity());
  for (std::uint64_t pfn = 0; pfn < mebibytes(64).raw;) {
    const Order o{static_cast<std::uint8_t>(random() % 11)};
    const std::uint64_t first = (pfn + frames(o).raw - 1) & ~(frames(o).raw - 1);
    if (first + frames(o).raw <= mebibytes(64).raw) rig.box().free_blocks({first}, o, 1, 1);
    pfn = first + frames(o).raw + random() % 64;
  }
  TestDevice device(rig.port, capacity());
  HwmPolicy policy(order(), 1);
  rig.register_device(device, policy);
  rig.run_due();
  ASSERT_FALSE(device.batches.empty());
  device.expect_batches_well_formed(order());
  device.expect_shown_once();
  const UnreportedCounts left = count_unreported(rig.zone().tables(), order());
  for (unsigned o = order().raw; o <= kMaxOrder.raw; ++o) EXPECT_EQ(left.of[o], 0u) << o;
  EXPECT_EQ(rig.box().stats().reported.raw, device.frames_shown().size());
  rig.unregister_device(device);
}

TEST_P(R5Batch, IsFilledBeforeTheNextIsBegun) {
  Rig rig(mebibytes(512));
  rig.box().fill();
  const std::uint64_t step = frames(order()).raw * 2;
  const std::uint64_t count = std::min<std::uint64_t>(mebibytes(512).raw / step, 1500);
  rig.box().free_blocks({0}, order(), count, step);
  // Low orders free little: without this free, the zone is below its watermark and nothing may be isolated.
  if (order().raw < 3) rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  TestDevice device(rig.port, capacity());
  HwmPolicy policy(order(), 1);
  rig.register_device(device, policy);
  rig.run_due();
  device.expect_batches_well_formed(order());
  // Half of what is above the watermark also bounds a request; here this is never below 31 runs.
  const std::size_t full = std::min<std::size_t>(capacity(), 31);
  EXPECT_GE(device.batches.front().entries.size(), std::min<std::size_t>(full, count));
  rig.unregister_device(device);
}

INSTANTIATE_TEST_SUITE_P(OrdersAndCapacities, R5Batch,
                         ::testing::Combine(::testing::Range(0U, 11U), ::testing::Values(1, 2, 31, 32, 512)));

TEST(R5Join, NeighbouringRunsAreOneEntry) {
  Rig rig(mebibytes(512));
  rig.box().fill();
  rig.box().free_blocks({4096}, kOrder9, 32, 512);
  rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  TestDevice device(rig.port, 4);
  HwmPolicy policy(kOrder9, 1);
  rig.register_device(device, policy);
  rig.run_due();
  ASSERT_GE(device.batches.size(), 1u);
  const ScatterEntry& first = device.batches[0].entries[0];
  EXPECT_EQ(first.first.raw, 4096u);
  EXPECT_EQ(first.count.raw, 32u * 512);
  rig.unregister_device(device);
}

// The frames that report() receives are unreachable, by every kind of allocation.
TEST(R6Isolation, FramesCanBeNeitherAllocatedNorFreedNorReportedAgain) {
  for (const Order order : {Order{0}, Order{3}, Order{7}, kOrder9, kOrder10}) {
    Rig rig(mebibytes(64), 1, 2);
    rig.box().fill();
    const std::uint64_t step = frames(order).raw * 2;
    rig.box().free_blocks({0}, order, mebibytes(64).raw / step / 2, step);
    rig.box().free_blocks({mebibytes(32).raw}, kOrder10, 8, 1024);
    TestDevice device(rig.port, 3);
    HwmPolicy policy(order, 1);
    int looks = 0;
    device.answer = [&](Scatterlist, std::uint32_t) {
      if (++looks > 3) return Status::Ok;
      const Batch& mine = device.batches.back();
      for (const ScatterEntry& e : mine.entries) {
        EXPECT_EQ(rig.cache().free(e.first), Status::NotAllocated);
        EXPECT_EQ(rig.cache().free(e.first + (e.count - PfnCount{1})), Status::NotAllocated);
        EXPECT_EQ(rig.zone().cache(1).free(e.first, order), Status::NotAllocated);
      }
      std::uint64_t isolated = 0;
      for (const ScatterEntry& e : mine.entries) isolated += e.count.raw;
      EXPECT_EQ(rig.box().stats().isolated.raw, isolated);
      EXPECT_EQ(rig.reporter().run(), kNever) << "a second worker";
      rig.box().check();
      // Every other frame can be allocated, and none of these.
      std::vector<Allocation> got;
      for (Allocation a = rig.cache().allocate(); a.ok(); a = rig.cache().allocate()) {
        EXPECT_FALSE(mine.holds(a.pfn)) << a.pfn.raw;
        got.push_back(a);
      }
      EXPECT_EQ(rig.box().stats().free.raw, 0u) << "only the isolated frames are unreachable";
      rig.box().check();
      for (const Allocation& a : got) EXPECT_EQ(rig.cache().free(a.pfn), Status::Ok);
      rig.cache().drain();
      return Status::Ok;
    };
    rig.register_device(device, policy);
    rig.run_due();
    EXPECT_GE(looks, 1);
    EXPECT_EQ(rig.box().stats().isolated.raw, 0u);
    rig.unregister_device(device);
  }
}

// The neighbours of an isolated block become free: nothing merges across the block while it is isolated.
TEST(R6Isolation, NeighboursAreNotMergedWithIt) {
  Rig rig(mebibytes(64), 1, 2);
  rig.box().fill();
  rig.box().free_blocks({0}, kOrder9, 4, 1024);
  rig.box().free_blocks({mebibytes(32).raw}, kOrder10, 8, 1024);
  TestDevice device(rig.port, 1);
  HwmPolicy policy(kOrder9, 1);
  bool tried = false;
  device.answer = [&](Scatterlist list, std::uint32_t) {
    if (tried || list.front().first.raw != 0) return Status::Ok;
    tried = true;
    LocalCache& other = rig.zone().cache(1);
    EXPECT_EQ(other.free(Pfn{512}, kOrder9), Status::Ok);
    other.drain();
    std::vector<Pfn> pairs;
    for (Allocation a = other.allocate(kOrder10); a.ok(); a = other.allocate(kOrder10))
      pairs.push_back(a.pfn);
    for (const Pfn p : pairs) {
      EXPECT_NE(p.raw, 0u);
      EXPECT_EQ(other.free(p, kOrder10), Status::Ok);
    }
    return Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_TRUE(tried);
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow::detail
