#include "fallow/zone/detail/report_trigger.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/unit/zone/test_zone.h"

namespace fallow::detail {
namespace {

struct Fired {
  std::atomic<unsigned> times{0};
  static void count(void* self) noexcept { static_cast<Fired*>(self)->times.fetch_add(1); }
};

TEST(ReportTrigger, FiresOnceWhenTheCreditIsUsedUp) {
  Fired fired;
  ReportTrigger trigger;
  trigger.attach(Fired::count, &fired);
  trigger.spend(100);
  EXPECT_EQ(fired.times, 0u) << "nothing was granted";
  trigger.grant(10);
  trigger.spend(9);
  EXPECT_EQ(fired.times, 0u);
  trigger.spend(1);
  EXPECT_EQ(fired.times, 1u);
  trigger.spend(50);
  EXPECT_EQ(fired.times, 1u) << "nothing is counted until the next grant";
  trigger.grant(3);
  trigger.spend(32);
  EXPECT_EQ(fired.times, 2u) << "a free of more than the credit";
}

TEST(ReportTrigger, ABlockMattersByTheReportingOrder) {
  ReportTrigger trigger;
  for (std::uint8_t order = 0; order <= kMaxOrder.raw; ++order) {
    trigger.set_order({order});
    EXPECT_EQ(trigger.limit(), order < 9 ? kBlockFrames - 1 : 0) << int{order};
  }
}

TEST(ReportTrigger, OneOfManyThreadsFires) {
  Fired fired;
  ReportTrigger trigger;
  trigger.attach(Fired::count, &fired);
  trigger.grant(40000);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (unsigned i = 0; i < 20000; ++i) trigger.spend(1);
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(fired.times, 1u);
}

class TriggerInZone : public ZoneTest {
 protected:
  Fired fired_;
};

TEST_F(TriggerInZone, AtOrder9OnlyABlockThatBecomesWhollyFreeCounts) {
  zone().tables().trigger().attach(Fired::count, &fired_);
  zone().tables().trigger().set_order({9});
  const std::vector<Pfn> all = allocate_many(3 * kBlockFrames);
  zone().tables().trigger().grant(2);
  for (std::uint64_t i = 1; i < 2 * kBlockFrames; ++i) {
    if (i != kBlockFrames) must_free(all[i]);
  }
  drain_all();
  EXPECT_EQ(fired_.times, 0u);
  must_free(all[0]);
  drain_all();
  EXPECT_EQ(fired_.times, 0u);
  must_free(all[kBlockFrames]);
  drain_all();
  EXPECT_EQ(fired_.times, 1u);
}

// The credit is spent when a free becomes visible, not while it is pending in its cache.
TEST_F(TriggerInZone, AtLowOrdersFramesCount) {
  zone().tables().trigger().set_order({0});
  const Pfn run = must_allocate({5});
  zone().tables().trigger().attach(Fired::count, &fired_);
  zone().tables().trigger().grant(20);
  for (unsigned i = 0; i < 20; ++i) must_free(run + PfnCount{i}, {}, 1);
  EXPECT_EQ(fired_.times, 0u);
  cache(1).drain();
  EXPECT_EQ(fired_.times, 1u);
}

// Only whole runs of the reporting order count.
TEST_F(TriggerInZone, FramesBelowTheOrderDoNotCount) {
  const Pfn run = must_allocate({8});
  zone().tables().trigger().attach(Fired::count, &fired_);
  zone().tables().trigger().set_order({3});
  zone().tables().trigger().grant(2);
  for (std::uint64_t i = 0; i < 64; i += 2) must_free(run + PfnCount{i}, {}, 1);
  cache(1).drain();
  EXPECT_EQ(fired_.times, 0u);
  for (std::uint64_t i = 1; i < 16; i += 2) must_free(run + PfnCount{i}, {}, 1);
  cache(1).drain();
  EXPECT_EQ(fired_.times, 1u);
}

}  // namespace
}  // namespace fallow::detail
