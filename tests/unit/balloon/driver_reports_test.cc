// Requests of a balloon driver: several in flight, in any order, large ones, and the content that the device
// promises.
#include "tests/support/lying_device.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kReporting = 2;

BalloonPair::Config reporting(std::uint32_t in_flight, Features more = 0) {
  BalloonPair::Config config;
  config.driver.features = config.device.features = kBalloonPageReporting | more;
  config.driver.in_flight = in_flight;
  return config;
}

ScatterEntry block(std::uint64_t number, std::uint64_t count = 1) {
  return {Pfn{number * 512}, {count * 512}, true};
}

// Reports without a reporter, and records the completions.
class DriverReports : public ::testing::Test {
 public:
  Status report(BalloonPair& pair, std::uint32_t token, std::uint64_t count = 1) {
    const ScatterEntry entry = block(token * 8, count);
    return pair.driver.report({&entry, 1}, token);
  }
  using Over = std::vector<std::pair<std::uint32_t, Status>>;
};

TEST_F(DriverReports, SeveralInFlightCompleteInAnyOrder) {
  BalloonPair pair(reporting(4));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  for (std::uint32_t token = 0; token < 4; ++token) EXPECT_EQ(report(pair, token), Status::Pending);
  EXPECT_EQ(report(pair, 0), Status::InvalidArgument) << "the token is in flight";
  EXPECT_EQ(report(pair, 4), Status::InvalidArgument) << "the token exceeds the depth";
  lie.use_truly(2);
  lie.use_truly(0);
  lie.tell();
  EXPECT_EQ(pair.completions, (Over{{2, Status::Ok}, {0, Status::Ok}}));
  EXPECT_EQ(report(pair, 2), Status::Pending) << "the token is free again";
  lie.use_truly(4);
  lie.use_truly(3);
  lie.use_truly(1);
  pair.driver.poll();
  EXPECT_EQ(pair.completions,
            (Over{{2, Status::Ok}, {0, Status::Ok}, {2, Status::Ok}, {3, Status::Ok}, {1, Status::Ok}}));
}

// A request that the device takes during report() is answered by the returned status, and not by a
// completion.
TEST_F(DriverReports, CompletedBeforeItReturns) {
  BalloonPair pair(reporting(2));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  EXPECT_EQ(report(pair, 1), Status::Pending);
  pair.meddler.on_notify = [&](std::uint16_t) {
    lie.use_truly(1);
    lie.use_truly(0);
    lie.tell();
  };
  EXPECT_EQ(report(pair, 0), Status::Ok);
  EXPECT_EQ(pair.completions, (Over{{1, Status::Ok}}));
}

TEST_F(DriverReports, ResetWhileReportIsUnderWay) {
  BalloonPair pair(reporting(2));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  pair.meddler.on_notify = [&](std::uint16_t) { EXPECT_EQ(pair.driver.recover(), Status::Ok); };
  EXPECT_EQ(report(pair, 0), Status::Failed);
  EXPECT_TRUE(pair.completions.empty());
  EXPECT_EQ(pair.driver.stats().abandoned, 1u);
  pair.meddler.on_notify = nullptr;
  EXPECT_EQ(report(pair, 0), Status::Ok);
}

TEST_F(DriverReports, RemovalFailsWhatIsInFlight) {
  BalloonPair pair(reporting(3));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  for (std::uint32_t token = 0; token < 3; ++token) EXPECT_EQ(report(pair, token), Status::Pending);
  pair.driver.remove();
  EXPECT_EQ(pair.completions, (Over{{0, Status::Failed}, {1, Status::Failed}, {2, Status::Failed}}));
  EXPECT_EQ(report(pair, 0), Status::Failed);
  pair.driver.poll();
  EXPECT_EQ(pair.completions.size(), 3u);
}

// 2.6.1: a reset of the reporting queue keeps the balloon.
TEST_F(DriverReports, TheQueueIsResetByItself) {
  BalloonPair pair(reporting(3, kFeatureRingReset));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  pair.set_target({100});
  pair.run_due();
  for (std::uint32_t token = 0; token < 3; ++token) EXPECT_EQ(report(pair, token), Status::Pending);
  EXPECT_EQ(pair.driver.reset_reporting_queue(), Status::Ok);
  EXPECT_EQ(pair.completions, (Over{{0, Status::Failed}, {1, Status::Failed}, {2, Status::Failed}}));
  EXPECT_EQ(pair.device().actual().raw, 100u) << "the reset changed the balloon";
  EXPECT_EQ(pair.driver.stats().resets, 0u);
  pair.meddler.on_notify = nullptr;
  EXPECT_EQ(report(pair, 0), Status::Ok);
}

TEST_F(DriverReports, AQueueThatDoesNotReset) {
  BalloonPair pair(reporting(3, kFeatureRingReset));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  EXPECT_EQ(report(pair, 0), Status::Pending);
  pair.meddler.on_reset_queue = [](std::uint16_t) { return Status::Failed; };
  EXPECT_EQ(pair.driver.reset_reporting_queue(), Status::Failed);
  EXPECT_TRUE(pair.completions.empty()) << "the device still holds the request";
  EXPECT_EQ(report(pair, 1), Status::Failed);
  pair.meddler.on_notify = nullptr;
  pair.run_due();
  EXPECT_EQ(pair.completions, (Over{{0, Status::Failed}}));
  EXPECT_EQ(pair.driver.stats().probes, 2u);
  EXPECT_EQ(report(pair, 0), Status::Ok);
}

TEST_F(DriverReports, QueueResetOnlyIfNegotiated) {
  BalloonPair pair(reporting(1));
  EXPECT_EQ(pair.driver.reset_reporting_queue(), Status::NotFound);
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  EXPECT_EQ(pair.driver.reset_reporting_queue(), Status::NotFound);
}

// 2.7.5.2: a chain has at most 2^32 bytes, so a request of 9 GiB in one entry becomes three chains.
TEST_F(DriverReports, LargeRequestsAreSeveralChains) {
  BalloonPair pair(reporting(2));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  const ScatterEntry entries[] = {
      {Pfn{0}, {512}, false}, {Pfn{1 << 20}, {9 << 18}, false}, {Pfn{5 << 20}, {512}, true}};
  EXPECT_EQ(pair.driver.report(entries, 0), Status::Pending);
  ASSERT_EQ(lie.available(), 4);
  std::uint64_t sum = 0;
  for (std::uint16_t i = 0; i < 4; ++i) {
    EXPECT_LE(lie.length(lie.head(i)), ReportRequests::kChainBytes);
    EXPECT_EQ(lie.length(lie.head(i)) % (2 << 20), 0u) << "a chain ends inside a huge page";
    sum += lie.length(lie.head(i));
  }
  EXPECT_EQ(sum, bytes(PfnCount{1024 + (9 << 18)}).raw);
  for (const int i : {3, 1, 0}) {
    lie.use_truly(static_cast<std::uint16_t>(i));
    lie.tell();
    EXPECT_TRUE(pair.completions.empty()) << "a part of the request is still in flight";
  }
  lie.use_truly(2);
  lie.tell();
  EXPECT_EQ(pair.completions, (Over{{0, Status::Ok}}));
}

// A request that does not fit into the ring fails as soon as the part that did fit has returned.
TEST_F(DriverReports, TooLargeForTheRing) {
  BalloonPair::Config config = reporting(1);
  config.driver.queue_size = 2;
  BalloonPair pair(config);
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  const ScatterEntry entry{Pfn{0}, {64 << 18}, true};
  EXPECT_EQ(pair.driver.report({&entry, 1}, 0), Status::Pending);
  lie.use_truly(0);
  lie.use_truly(1);
  lie.tell();
  EXPECT_EQ(pair.completions, (Over{{0, Status::Failed}}));
}

TEST_F(DriverReports, AnEmptyListIsNoRequest) {
  BalloonPair pair(reporting(1));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  EXPECT_EQ(pair.driver.report({}, 0), Status::Failed);
  const ScatterEntry nothing{Pfn{7}, {}, true};
  EXPECT_EQ(pair.driver.report({&nothing, 1}, 0), Status::Failed);
  EXPECT_EQ(pair.device().stats().reports, 0u);
}

// Without the draft feature, the driver makes no promise and does not use the length.
TEST_F(DriverReports, WithoutTheDraftFeatureAnyLengthIsGood) {
  BalloonPair pair(reporting(1));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  EXPECT_EQ(pair.driver.content_after(), Content::Unknown);
  pair.device().pause_reporting(true);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(report(pair, 0), Status::Ok);
}

TEST(R12Driver, PromisesWhatTheDeviceInitialises) {
  BalloonPair pair(reporting(1, kBalloonInitReported));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  EXPECT_EQ(pair.driver.content_after(), Content::Zero);
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.run_due();
  EXPECT_TRUE(pair.rig.cache().allocate(kOrder9).content_known);
  EXPECT_EQ(pair.rig.reporter().stats().failures, 0u);
}

TEST(R12Driver, PromisesThePoisonValue) {
  for (const std::uint32_t poison : {0u, 0xaaaa'aaaau}) {
    BalloonPair::Config config = reporting(1, kBalloonInitReported);
    config.device.features |= kBalloonPagePoison;
    config.driver.poisons = true;
    config.driver.poison = poison;
    BalloonPair pair(config);
    ASSERT_EQ(pair.driver.probe(), Status::Ok);
    EXPECT_EQ(pair.driver.content_after(), poison == 0 ? Content::Zero : Content::Poison);
  }
}

TEST(R12Driver, WhatIsNotInitialisedFailsAndIsTriedAgain) {
  BalloonPair pair(reporting(1, kBalloonInitReported));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.backing.fail_at = 1;
  pair.run_due();
  EXPECT_EQ(pair.rig.reporter().stats().failures, 1u);
  EXPECT_EQ(pair.rig.box().stats().reported.raw, 0u);
  pair.pass_time(seconds(1));
  EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(64));
  EXPECT_EQ(pair.driver.content_after(), Content::Zero);
  EXPECT_TRUE(pair.rig.cache().allocate(kOrder9).content_known);
}

// After three violations in a row, reporting continues without the promise, which also ends for frames
// reported before.
TEST(R12Driver, ThePromiseIsWithdrawnWhenItIsNotKept) {
  BalloonPair pair(reporting(1, kBalloonInitReported));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(pair.rig.cache().allocate(kOrder9).ok());
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.run_due();
  const PfnCount before = pair.rig.box().stats().reported;
  ASSERT_GT(before.raw, 0u);
  pair.device().pause_reporting(true);  // acknowledges with a length of 0
  pair.rig.box().free_blocks(Pfn{0}, kOrder9, 4, 512);
  pair.pass_time(seconds(5));
  EXPECT_EQ(pair.rig.reporter().stats().failures, 2u);
  EXPECT_EQ(pair.rig.box().stats().reported, before + PfnCount{2048});
  EXPECT_EQ(pair.driver.content_after(), Content::Unknown);
  for (Allocation a = pair.rig.cache().allocate(kOrder9); a.ok(); a = pair.rig.cache().allocate(kOrder9))
    EXPECT_FALSE(a.content_known);
}

// After its next initialisation, the device no longer offers the feature of its promise.
TEST(R12Driver, ThePromiseIsWithdrawnWhenTheFeatureIs) {
  BalloonPair pair(reporting(1, kBalloonInitReported));
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  ASSERT_TRUE(pair.rig.cache().allocate(kOrder9).ok());
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.run_due();
  pair.meddler.offers = kBalloonPageReporting | kFeatureVersion1;
  ASSERT_EQ(pair.driver.recover(), Status::Ok);
  pair.rig.box().free_blocks(Pfn{0}, kOrder9, 1, 512);
  pair.run_due();
  EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(64));
  EXPECT_FALSE(pair.rig.cache().allocate(kOrder9).content_known);
}

// The device no longer offers page poison: a guest whose free pages must keep a value stops reporting.
TEST(R12Driver, PagePoisonWithdrawn) {
  BalloonPair::Config config = reporting(1);
  config.device.features |= kBalloonPagePoison;
  config.driver.poisons = true;
  config.driver.poison = 1;
  BalloonPair pair(config);
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.meddler.offers = kBalloonPageReporting | kFeatureVersion1;
  ASSERT_EQ(pair.driver.recover(), Status::Ok);
  EXPECT_FALSE(pair.driver.reports());
  pair.pass_time(seconds(1));
  EXPECT_EQ(pair.device().stats().reports, 0u);
  EXPECT_EQ(pair.rig.box().stats().reported.raw, 0u);
  pair.expect_whole();
}

}  // namespace
}  // namespace fallow::detail
