// The tables of a replay: live frames, resident frames, and integrals over time.
#include <gtest/gtest.h>

#include "replay/allocation_map.h"
#include "replay/curve.h"
#include "replay/residency_model.h"

namespace fallow::replay {
namespace {

TEST(LiveMap, AFrameIsLiveFromPutToTake) {
  AllocationMap map;
  EXPECT_EQ(map.take(Pfn{7}), AllocationMap::kNotLive);
  EXPECT_TRUE(map.put(Pfn{7}, 42));
  EXPECT_EQ(map.take(Pfn{8}), AllocationMap::kNotLive);
  EXPECT_EQ(map.take(Pfn{7}), 42U);
  EXPECT_EQ(map.take(Pfn{7}), AllocationMap::kNotLive);
}

TEST(LiveMap, TakesAnyFrameNumber) {
  AllocationMap map;
  const Pfn numbers[] = {{0}, {511}, {512}, {std::uint64_t{1} << 52}, {~std::uint64_t{0}}};
  AllocationMap::Value value = 0;
  for (const Pfn pfn : numbers) EXPECT_TRUE(map.put(pfn, ++value));
  value = 0;
  for (const Pfn pfn : numbers) EXPECT_EQ(map.take(pfn), ++value);
}

TEST(LiveMap, KeepsPagesThatShareAPlaceInTheCacheApart) {
  AllocationMap map;
  constexpr std::uint64_t kSamePlace = 512 * 1024;
  EXPECT_TRUE(map.put(Pfn{1}, 10));
  EXPECT_TRUE(map.put(Pfn{1 + kSamePlace}, 20));
  EXPECT_EQ(map.take(Pfn{1}), 10U);
  EXPECT_EQ(map.take(Pfn{1 + kSamePlace}), 20U);
}

TEST(LiveMap, RefusesMorePagesThanItMayHave) {
  AllocationMap map(2);
  EXPECT_TRUE(map.put(Pfn{0}, 1));
  EXPECT_TRUE(map.put(Pfn{512}, 1));
  EXPECT_FALSE(map.put(Pfn{1024}, 1));
  EXPECT_TRUE(map.put(Pfn{513}, 1));
}

TEST(LiveMap, DoesNotGrowWithWhatIsNoLongerLive) {
  AllocationMap map;
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    ASSERT_TRUE(map.put(Pfn{i * 512}, 1));
    ASSERT_EQ(map.take(Pfn{i * 512}), 1U);
  }
  EXPECT_LT(map.pages(), 10'000U);
}

TEST(Books, AFrameIsResidentFromTouchToReport) {
  const auto residency = ResidencyModel::create(PfnCount{1000});
  EXPECT_EQ(residency->touch(Pfn{60}, PfnCount{200}), PfnCount{200});
  EXPECT_EQ(residency->touch(Pfn{0}, PfnCount{61}), PfnCount{60});
  EXPECT_EQ(residency->resident(), PfnCount{260});
  residency->report(Pfn{250}, PfnCount{750});
  EXPECT_EQ(residency->resident(), PfnCount{250});
  EXPECT_EQ(residency->given_back(), PfnCount{10});
}

TEST(Books, OnlyWhatWasGivenBackRefaults) {
  const auto residency = ResidencyModel::create(PfnCount{128});
  residency->report(Pfn{0}, PfnCount{128});
  EXPECT_EQ(residency->given_back(), PfnCount{0});
  residency->touch(Pfn{0}, PfnCount{64});
  EXPECT_EQ(residency->refaulted(), PfnCount{0});
  residency->report(Pfn{0}, PfnCount{64});
  residency->touch(Pfn{0}, PfnCount{1});
  residency->touch(Pfn{0}, PfnCount{2});
  EXPECT_EQ(residency->refaulted(), PfnCount{2});
}

TEST(Curve, IntegratesStepsAndLines) {
  Curve curve;
  curve.hold(seconds(2), 5);  // 10
  curve.line(seconds(3), 7);  // 6
  curve.line(seconds(3), 1);
  curve.line(seconds(5), 3);  // 4
  EXPECT_DOUBLE_EQ(curve.integral(), 20.0);
  EXPECT_EQ(curve.peak(), 7U);
  EXPECT_EQ(curve.value(), 3U);
}

TEST(Curve, DoesNotOverflow) {
  Curve curve;
  curve.hold(seconds(100'000'000), std::uint64_t{1} << 40);
  EXPECT_DOUBLE_EQ(curve.integral(), 1e8 * 1099511627776.0);
}

}  // namespace
}  // namespace fallow::replay
