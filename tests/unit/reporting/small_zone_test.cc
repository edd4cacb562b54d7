// R2, R11: small and crowded zones report everything that the low watermark allows; then the worker sleeps.
#include <random>

#include "tests/unit/reporting/small_zone.h"

namespace fallow::detail {
namespace {

class R2SmallZone : public ::testing::TestWithParam<std::tuple<Kind, unsigned>> {
 protected:
  Kind kind() const { return std::get<0>(GetParam()); }
  unsigned order() const { return std::get<1>(GetParam()); }
};

// If the watermark leaves room for one block, everything is reported, otherwise nothing.
TEST_P(R2SmallZone, AnIdleZoneReportsAllThatTheWatermarkAllowsAndThenSleeps) {
  for (const std::uint64_t size :
       {1U,   2U,   3U,    7U,    8U,    31U,   32U,   33U,   64U,   100U,  127U,  128U,  256U,  511U,
        512U, 513U, 1000U, 1023U, 1024U, 1025U, 1536U, 2000U, 2047U, 2048U, 2049U, 3000U, 4095U, 4096U}) {
    for (const std::uint64_t base : {0U, 1U, 4U, 31U, 64U, 300U, 511U, 512U, 777U, 1024U, 4095U}) {
      SCOPED_TRACE(std::to_string(size) + " frames from " + std::to_string(base));
      Small small(kind(), order(), size, base);
      const std::uint64_t before = small.unreported();
      small.start();
      small.expect_at_rest();
      const bool room = size >= small.box.zone().low_watermark().raw + small.room();
      EXPECT_EQ(small.unreported(), room ? 0 : before);
      if (HasFailure()) return;
    }
  }
}

// Zones in use free frames in pieces of all sizes, a few at a time. After each free the zone is left alone.
TEST_P(R2SmallZone, ACrowdedZoneReportsAllThatTheWatermarkAllowsAndThenSleeps) {
  const std::uint64_t threshold = kind() == Kind::HwmDefault ? 32 : 1;
  std::uint64_t below_threshold = 0;
  for (unsigned o = order(); o <= kMaxOrder.raw; ++o) below_threshold += (threshold - 1) << o;
  std::mt19937 random(order() * 8 + static_cast<unsigned>(kind()));
  for (const std::uint64_t size : {64U, 700U, 1024U, 3000U, 9000U}) {
    SCOPED_TRACE(std::to_string(size) + " frames");
    Small small(kind(), order(), size, 777);
    std::vector<Pfn> mine;
    for (Allocation a = small.box.cache().allocate(); a.ok(); a = small.box.cache().allocate()) {
      mine.push_back(a.pfn);
    }
    ASSERT_EQ(mine.size(), size);
    std::sort(mine.begin(), mine.end());
    small.start();
    small.expect_at_rest();
    EXPECT_TRUE(small.device.batches.empty());
    while (!mine.empty()) {
      const std::size_t n = std::min<std::size_t>(mine.size(), 1 + random() % (size / 4));
      const std::size_t at = random() % (mine.size() - n + 1);
      const auto first = mine.begin() + static_cast<std::ptrdiff_t>(at);
      const auto last = first + static_cast<std::ptrdiff_t>(n);
      for (auto pfn = first; pfn != last; ++pfn) ASSERT_EQ(small.box.cache().free(*pfn), Status::Ok);
      mine.erase(first, last);
      small.box.cache().drain();
      small.expect_at_rest(below_threshold);
      if (HasFailure()) return;
    }
    if (small.box.zone().size().raw >= small.box.zone().low_watermark().raw + small.room()) {
      EXPECT_LE(small.unreported(), below_threshold);
    }
  }
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<Kind, unsigned>>& info) {
  constexpr const char* kNames[] = {"HwmOne", "HwmDefault", "Aged", "LinuxOne", "Linux"};
  return std::string(kNames[static_cast<unsigned>(std::get<0>(info.param))]) + "Order" +
         std::to_string(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(PoliciesAndOrders, R2SmallZone,
                         ::testing::Combine(::testing::ValuesIn(kKinds), ::testing::Range(0U, 11U)), name_of);

}  // namespace
}  // namespace fallow::detail
