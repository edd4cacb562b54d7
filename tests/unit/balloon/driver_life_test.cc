// A balloon driver and its device when both follow the rules.
#include "tests/support/balloon_pair.h"

namespace fallow::detail {
namespace {

constexpr Features kBalloonFeatures = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom |
                                      kBalloonFreePageHint | kBalloonPageReporting;

BalloonPair::Config with_features(Features driver, Features device) {
  BalloonPair::Config config;
  config.driver.features = driver;
  config.device.features = device;
  return config;
}

// Each ring format, event index, indirect descriptors.
class DriverOnRing : public ::testing::TestWithParam<Features> {};

TEST_P(DriverOnRing, ReportsInflatesDeflates) {
  BalloonPair pair(with_features(kBalloonFeatures | GetParam(), kBalloonFeatures | kRingFeatures));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  EXPECT_TRUE(pair.driver.reports());
  EXPECT_EQ(pair.driver.probe(), Status::Busy);
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.run_due();
  EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(64));
  EXPECT_EQ(pair.device().stats().released, bytes(mebibytes(64)));
  EXPECT_TRUE(pair.completions.empty()) << "an inline device has finished when report() returns";

  pair.set_target(mebibytes(16));
  pair.run_due();
  EXPECT_EQ(pair.driver.stats().inflated, mebibytes(16));
  EXPECT_EQ(pair.device().actual(), mebibytes(16));
  EXPECT_EQ(pair.rig.box().stats().used, mebibytes(16));
  pair.set_target(mebibytes(1));
  pair.run_due();
  EXPECT_EQ(pair.device().actual(), mebibytes(1));
  EXPECT_EQ(pair.rig.box().stats().used, mebibytes(1));
  EXPECT_EQ(pair.device().mistakes().rings, 0u);
  EXPECT_EQ(pair.device().mistakes().kicks, 0u);
  EXPECT_EQ(pair.device().stats().refused_all(), 0u);
  EXPECT_EQ(pair.driver.stats().ring_faults, 0u);
  EXPECT_EQ(pair.driver.stats().kicks, pair.transport.counts().to_device);
  pair.expect_whole();
  EXPECT_EQ(pair.device().actual().raw, 0u);
}

INSTANTIATE_TEST_SUITE_P(Formats, DriverOnRing,
                         ::testing::Values(0, kFeatureEventIdx, kFeatureIndirectDesc,
                                           kFeatureEventIdx | kFeatureIndirectDesc, kFeatureRingPacked,
                                           kFeatureRingPacked | kFeatureEventIdx,
                                           kFeatureRingPacked | kFeatureIndirectDesc,
                                           kFeatureRingPacked | kFeatureEventIdx | kFeatureIndirectDesc,
                                           kRingFeatures));

TEST(Driver, ProbedAgainAfterRemoval) {
  BalloonPair pair;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(pair.driver.probe(), Status::Ok);
    pair.set_target(PfnCount{300});
    pair.run_due();
    EXPECT_EQ(pair.device().actual().raw, 300u);
    pair.driver.remove();
    EXPECT_EQ(pair.transport.status(), 0);
    EXPECT_EQ(pair.driver.work(), kNever);
    EXPECT_EQ(pair.driver.recover(), Status::NotFound);
    pair.rig.box().check();
  }
  pair.expect_whole();
}

// 5.5.5, 5.5.6.3: the buffer is supplied before DRIVER_OK, and the device is notified after it.
TEST(Driver, AnswersRequestsForStatistics) {
  BalloonPair pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(pair.transport.with_device([&] { return pair.device().request_statistics(); }), Status::Ok);
    pair.run_due();
    const GuestStatistics& stats = pair.device().guest_statistics();
    EXPECT_EQ(stats.updates, static_cast<std::uint64_t>(round) + 2);
    EXPECT_EQ(stats.present, 1U << 4 | 1U << 5 | 1U << 6)
        << "every buffer has the same statistics (5.5.6.3.1)";
    EXPECT_EQ(stats.value[5], bytes(mebibytes(64)).raw);
    EXPECT_EQ(stats.value[4], bytes(pair.rig.box().stats().free).raw);
    EXPECT_EQ(stats.value[6], bytes(pair.rig.box().stats().free - pair.rig.zone().low_watermark()).raw);
    ASSERT_TRUE(pair.rig.cache().allocate(kOrder9).ok());
  }
}

// A device that requests statistics continuously does not keep the guest busy.
TEST(Driver, StatisticsAreGivenAtABoundedRate) {
  BalloonPair pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.run_due();
  const std::uint64_t before = pair.device().guest_statistics().updates;
  for (int i = 0; i < 1000; ++i) {
    static_cast<void>(pair.transport.with_device([&] { return pair.device().request_statistics(); }));
    pair.run_due();
  }
  EXPECT_LE(pair.device().guest_statistics().updates - before, StatisticsBuffer::kRequests);
  pair.pass_time(StatisticsBuffer::kWindow);
  EXPECT_GE(pair.device().guest_statistics().updates - before, StatisticsBuffer::kRequests);
}

TEST(Driver, AnAbsurdTargetIsHarmless) {
  BalloonPair pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target({~std::uint64_t{0}});
  pair.pass_time(seconds(5));
  EXPECT_GE(pair.rig.box().stats().free, pair.rig.zone().low_watermark()) << "R11";
  EXPECT_GT(pair.device().actual(), mebibytes(60));
  pair.set_target({});
  pair.pass_time(seconds(5));
  EXPECT_EQ(pair.device().actual().raw, 0u);
  pair.expect_whole();
}

// An inflation that finds no memory is retried, but not continuously.
TEST(Driver, InflatesWhatBecomesFreeLater) {
  BalloonPair pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.rig.box().fill();
  pair.set_target(PfnCount{1024});
  const std::uint64_t before = pair.rig.port.wakeups();
  pair.pass_time(seconds(1));
  EXPECT_EQ(pair.device().actual().raw, 0u);
  EXPECT_LE(pair.rig.port.wakeups() - before, 16u);
  pair.rig.box().free_blocks(Pfn{0}, kOrder9, 8, 512);
  pair.pass_time(BalloonPages::kOutOfPuff);
  EXPECT_EQ(pair.device().actual().raw, 1024u);
}

// 5.5.6.1: the device gets the numbers of allocated frames only, each number once.
TEST(Driver, WhatIsInTheBalloonIsNobodyElses) {
  BalloonPair pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target(PfnCount{5000});
  pair.run_due();
  EXPECT_EQ(pair.device().stats().inflated.raw, 5000u);
  std::uint64_t taken = 0;
  for (Allocation a = pair.rig.cache().allocate(); a.ok(); a = pair.rig.cache().allocate(), ++taken)
    ASSERT_FALSE(pair.backing.discarded(a.pfn)) << "a frame in the balloon was allocated";
  EXPECT_GE(taken, 16384u - 5000 - 32) << "the hand of the driver's cache may hold 32 frames";
}

// 5.5.6: the feature DEFLATE_ON_OOM.
TEST(DriverOom, GivesFramesBack) {
  for (const Features must_tell : {Features{0}, kBalloonMustTellHost}) {
    BalloonPair pair(with_features(kBalloonDeflateOnOom | must_tell, kBalloonFeatures));
    ASSERT_EQ(pair.driver.probe(), Status::Ok);
    EXPECT_EQ(pair.driver.deflate_on_oom({256}).raw, 0u) << "the balloon is empty";
    pair.set_target(mebibytes(32));
    pair.run_due();
    EXPECT_EQ(pair.driver.deflate_on_oom({700}).raw, 700u);
    EXPECT_EQ(pair.device().stats().inflated, mebibytes(32) - PfnCount{700});
    pair.run_due();
    EXPECT_EQ(pair.device().actual(), mebibytes(32) - PfnCount{700})
        << "the balloon is not inflated again at once";
    pair.pass_time(BalloonPages::kAfterOom + seconds(1));
    EXPECT_EQ(pair.device().actual(), mebibytes(32)) << "the balloon is inflated again later";
    EXPECT_EQ(pair.driver.deflate_on_oom(mebibytes(64)), mebibytes(32))
        << "deflation returns the whole balloon";
    pair.expect_whole();
  }
}

TEST(DriverOom, NotUnlessNegotiated) {
  BalloonPair pair(with_features(kBalloonMustTellHost, kBalloonFeatures));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target(mebibytes(32));
  pair.run_due();
  EXPECT_EQ(pair.driver.deflate_on_oom({256}).raw, 0u);
}

// 5.5.6.5: free page hinting.
TEST(DriverHints, BlocksAreKeptUntilTheDeviceIsDone) {
  BalloonPair pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  ASSERT_EQ(pair.transport.with_device([&] { return pair.device().start_hinting(); }), Status::Ok);
  pair.run_due();
  const std::uint64_t hinted = pair.device().stats().hinted;
  EXPECT_GT(hinted, bytes(mebibytes(55)).raw);
  EXPECT_GE(pair.rig.box().stats().free, pair.rig.zone().low_watermark());
  EXPECT_EQ(bytes(pair.rig.box().stats().used).raw, hinted) << "the driver keeps the hinted pages";
  pair.transport.with_device([&] { pair.device().stop_hinting(); });
  pair.run_due();
  EXPECT_EQ(bytes(pair.rig.box().stats().used).raw, hinted)
      << "the driver keeps the hinted pages after STOP, too";
  ASSERT_EQ(pair.transport.with_device([&] { return pair.device().start_hinting(); }), Status::Ok)
      << "the driver ended the round with STOP";
  pair.run_due();
  pair.transport.with_device([&] { pair.device().finish_hinting(); });
  pair.run_due();
  EXPECT_EQ(pair.rig.box().stats().used.raw, 0u);
  EXPECT_EQ(pair.device().stats().refused_all(), 0u);
  pair.expect_whole();
}

TEST(DriverHints, AreGivenBackWhenMemoryIsShort) {
  BalloonPair pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  ASSERT_EQ(pair.transport.with_device([&] { return pair.device().start_hinting(); }), Status::Ok);
  pair.run_due();
  EXPECT_EQ(pair.driver.deflate_on_oom({1}).raw, 512u);
  pair.run_due();
  pair.expect_whole();
}

TEST(Driver, WhatComesBackIsFilled) {
  BalloonPair::Config config;
  config.driver.poisons = true;
  config.driver.poison = 0xaaaa'aaaa;
  std::uint64_t filled = 0;
  config.driver.fill = {
      [](void* context, Pfn, PfnCount count) noexcept { *static_cast<std::uint64_t*>(context) += count.raw; },
      &filled};
  BalloonPair pair(config);
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target({1000});
  pair.run_due();
  EXPECT_EQ(filled, 0u);
  pair.set_target({400});
  pair.run_due();
  EXPECT_EQ(filled, 600u);
  pair.driver.remove();
  EXPECT_EQ(filled, 1000u);
}

}  // namespace
}  // namespace fallow::detail
