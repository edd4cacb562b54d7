// How the balloon device handles reports (virtio 1.2, 5.5.6.7). In the rig, guest frame 0x100 is the
// backing's frame 0x4000.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/balloon_rig.h"

namespace fallow::detail {
namespace {

using Run = RecordingBacking::Run;
using Runs = std::vector<Run>;
constexpr std::uint32_t kFrame = 4096;

Run target(std::uint64_t guest, std::uint64_t n) { return {{0x4000 + guest - 0x100}, {n}}; }

TEST(BalloonReports, APageIsReleasedAndTheLengthSaysSo) {
  BalloonRig rig;
  rig.bring_up();
  EXPECT_EQ(rig.report({pages(0x110, 4)}), 4 * kFrame);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 4)}));
  EXPECT_TRUE(rig.untouched_but({target(0x110, 4)}));
  const BalloonDeviceStats s = rig.stats();
  EXPECT_EQ(s.reports, 1u);
  EXPECT_EQ(s.entries, 1u);
  EXPECT_EQ(s.reported.raw, 4u * kFrame);
  EXPECT_EQ(s.released.raw, 4u * kFrame);
  EXPECT_EQ(s.discards, 1u);
  EXPECT_EQ(s.refused_all(), 0u);
}

TEST(BalloonReports, NeighboursInAnyOrderAreOneDiscard) {
  std::vector<QueueBuffer> buffers = {pages(0x110, 2), pages(0x112), pages(0x113, 3), pages(0x120)};
  std::sort(buffers.begin(), buffers.end(), [](auto a, auto b) { return a.address < b.address; });
  do {
    BalloonRig rig;
    rig.bring_up();
    EXPECT_EQ(rig.report(buffers), 7 * kFrame);
    EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 6), target(0x120, 1)}));
  } while (std::next_permutation(buffers.begin(), buffers.end(),
                                 [](auto a, auto b) { return a.address < b.address; }));
}

TEST(BalloonReports, InBothFormatsAndWithIndirectTables) {
  for (const Features ring : {Features{0}, kFeatureRingPacked, kFeatureIndirectDesc, kFeatureEventIdx,
                              kFeatureRingPacked | kFeatureIndirectDesc | kFeatureEventIdx}) {
    BalloonRig rig;
    rig.bring_up(kBalloonPageReporting | ring);
    EXPECT_EQ(rig.report({pages(0x110), pages(0x130), pages(0x111)}), 3 * kFrame);
    EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 2), target(0x130, 1)}));
  }
}

TEST(BalloonReports, TheSamePageTwiceIsOneDiscard) {
  BalloonRig rig;
  rig.bring_up();
  EXPECT_EQ(rig.report({pages(0x110, 2), pages(0x110, 2), pages(0x111, 2)}), 6 * kFrame);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 3)}));
}

TEST(BalloonReports, RegionsThatTouchInTheBackingAreOneDiscard) {
  BalloonRig rig({.regions = {{0x100, 16, 0}, {0x110, 16, 16}, {0x200, 16, 32}, {0x300, 16, 64}}});
  rig.bring_up();
  EXPECT_EQ(rig.report({pages(0x100, 32), pages(0x200, 16), pages(0x300, 16)}), 64 * kFrame);
  EXPECT_EQ(rig.backing.discards, (Runs{{{0x4000}, {48}}, {{0x4040}, {16}}}));
}

TEST(BalloonReports, RegionsThatTouchInTheGuestAloneAreTwo) {
  BalloonRig rig({.regions = {{0x100, 16, 500}, {0x110, 16, 100}}});
  rig.bring_up();
  EXPECT_EQ(rig.report({pages(0x108, 16)}), 16 * kFrame);
  EXPECT_EQ(rig.backing.discards, (Runs{{{0x4000 + 508}, {8}}, {{0x4000 + 100}, {8}}}));
}

TEST(BalloonReports, RunsOfOneBackingAreDiscardedTogether) {
  BalloonRig rig;
  rig.bring_up();
  EXPECT_EQ(rig.report({pages(0x100), pages(0x110, 2), pages(0x120)}), 4 * kFrame);
  EXPECT_EQ(rig.backing.batches, (std::vector<std::size_t>{3}));
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x100, 1), target(0x110, 2), target(0x120, 1)}));
}

TEST(BalloonReports, AnyNumberOfRunsIsReleased) {
  BalloonRig rig({.regions = {{0x100, 1024, 0}}, .queue_size = 256});
  rig.bring_up();
  std::vector<QueueBuffer> buffers;
  for (std::uint64_t i = 0; i < 200; ++i) buffers.push_back(pages(0x100 + 3 * i));
  EXPECT_EQ(rig.report(buffers), 200 * kFrame);
  EXPECT_EQ(rig.backing.discards.size(), 200u);
  EXPECT_EQ(rig.backing.batches, (std::vector<std::size_t>{32, 32, 32, 32, 32, 32, 8}));
}

// ---- 2.7.8.2: the used length ----

TEST(BalloonReports, LengthEndsAtTheFirstByteThatWasNotReleased) {
  BalloonRig rig;
  rig.bring_up();
  EXPECT_EQ(rig.report({pages(0x110), span_of(0x120'800, 0x1800), pages(0x130)}), kFrame)
      << "the second range begins with 0x800 bytes of a partial page";
  EXPECT_EQ(rig.report({span_of(0x140'000, 0x1800), pages(0x150)}), kFrame);
  EXPECT_EQ(rig.report({span_of(0x160'001, 0xfff), pages(0x170)}), 0u);
}

TEST(BalloonReports, LengthIsCountedInTheOrderOfTheChain) {
  BalloonRig rig;
  rig.bring_up();
  rig.backing.fail_at = 1;
  EXPECT_EQ(rig.report({pages(0x130), pages(0x110)}), kFrame) << "the discard of 0x110 comes first and fails";
  EXPECT_EQ(rig.refused(Refusal::NotReleased), 1u);
}

TEST(BalloonReports, BytesOfAPageFromTwoElementsCount) {
  BalloonRig rig;
  rig.bring_up();
  EXPECT_EQ(rig.report({span_of(0x110'000, 100), span_of(0x110'064, kFrame - 100)}), kFrame);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 1)}));
}

TEST(BalloonReports, LengthIsNeverMoreThanFits) {
  BalloonRig rig({.regions = {{0x100, 1024, 0}}, .queue_size = 2048});
  rig.bring_up();
  const std::vector<QueueBuffer> buffers(
      2048, pages(0x100, 1024));  // 8 GiB in total, the same 4 MiB in each element
  EXPECT_EQ(rig.report(buffers), 0xffff'ffffu);
  EXPECT_EQ(rig.backing.discards.size(), 1u);
}

// ---- Host pages larger than 4 KiB ----

TEST(BalloonReports, HostPagesAreRoundedInwards) {
  for (const std::uint64_t page : {16u, 512u}) {
    BalloonRig rig({.regions = {{0x400, 2048, 0}}, .page = page});
    rig.bring_up();
    EXPECT_EQ(rig.report({pages(0x401, 3 * page)}), 0u) << "the range begins inside a host page";
    EXPECT_EQ(rig.backing.discards, (Runs{{{0x4000 + page}, {2 * page}}}));
    EXPECT_EQ(rig.refused(Refusal::PartOfPage), 1u);
    EXPECT_EQ(rig.report({pages(0x400, page - 1)}), 0u);
    EXPECT_EQ(rig.refused(Refusal::PartOfPage), 2u);
    EXPECT_EQ(rig.backing.discards.size(), 1u);
  }
}

TEST(BalloonReports, HostPagesAreThoseOfTheBackingNotOfTheGuest) {
  BalloonRig rig({.regions = {{0x108, 1024, 4}}, .page = 16});
  rig.bring_up();
  // Guest frame 0x108 is frame 4 of a host page: the first whole one begins at guest frame 0x114.
  EXPECT_EQ(rig.report({pages(0x114, 16)}), 16 * kFrame);
  EXPECT_EQ(rig.report({pages(0x120, 16)}), 0u);
  EXPECT_EQ(rig.backing.discards, (Runs{{{0x4010}, {16}}}));
}

TEST(BalloonReports, AHostPageOfTwoRegionsNeedsBoth) {
  BalloonRig rig({.regions = {{0x100, 8, 0}, {0x108, 24, 8}}, .page = 16});
  rig.bring_up();
  EXPECT_EQ(rig.report({pages(0x100, 8)}), 0u);
  EXPECT_EQ(rig.report({pages(0x108, 8)}), 0u);
  EXPECT_TRUE(rig.backing.discards.empty());
  EXPECT_EQ(rig.report({pages(0x100, 16)}), 16 * kFrame);
  EXPECT_EQ(rig.backing.discards, (Runs{{{0x4000}, {16}}}));
}

// ---- 5.5.6.6: page poison; the draft's bit 6 ----

class Notices final : public BalloonObserver {
 public:
  void notice(Notice n) noexcept override { said.push_back(n); }
  std::vector<Notice> said;
};

TEST(BalloonPoison, PagesThatKeepAValueAreNotReleased) {
  Notices notices;
  BalloonRig rig({.observer = &notices});
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPageReporting | kBalloonPagePoison));
  rig.set_config(kBalloonPoisonVal, 0xaaaa'aaaa);
  ASSERT_EQ(rig.driver->set_up(rig.number(BalloonQueue::Reporting)), Status::Ok);
  rig.driver->finish();
  EXPECT_EQ(rig.report({pages(0x110), pages(0x120), span_of(~0ull, 5)}), 0u);
  EXPECT_EQ(rig.report({pages(0x110)}), 0u);
  EXPECT_TRUE(rig.backing.discards.empty());
  EXPECT_EQ(rig.refused(Refusal::Poison), 3u);
  EXPECT_EQ(rig.refused(Refusal::Wraps), 1u);
  EXPECT_EQ(notices.said, (std::vector{BalloonObserver::Notice::PoisonKeepsPages}))
      << "the notice is given once";
}

TEST(BalloonPoison, ZeroNeedsABackingThatPromisesZero) {
  BalloonRig rig;
  rig.bring_up(kBalloonPageReporting | kBalloonPagePoison);
  rig.backing.promised = Content::Unknown;
  EXPECT_EQ(rig.report({pages(0x110)}), 0u);
  EXPECT_TRUE(rig.backing.discards.empty());
  EXPECT_EQ(rig.refused(Refusal::Unpromised), 1u);
  rig.backing.promised = Content::Zero;
  EXPECT_EQ(rig.report({pages(0x110)}), kFrame);
}

TEST(BalloonPoison, WithoutItAnyBackingDoes) {
  BalloonRig rig;
  rig.bring_up();
  rig.backing.promised = Content::Unknown;
  EXPECT_EQ(rig.report({pages(0x110)}), kFrame);
}

TEST(BalloonInitReported, LengthCountsWhatReadsAsZero) {
  BalloonRig rig;
  rig.bring_up(kBalloonPageReporting | kBalloonInitReported);
  EXPECT_EQ(rig.report({pages(0x110)}), kFrame);
  rig.backing.promised = Content::Unknown;
  EXPECT_EQ(rig.report({pages(0x120)}), 0u);
  EXPECT_EQ(rig.backing.discards.size(), 2u) << "the pages are released nevertheless";
  EXPECT_EQ(rig.stats().released.raw, 2u * kFrame);
}

TEST(BalloonInitReported, IsOfferedOnlyIfAskedFor) {
  BalloonRig rig({.features = BalloonDeviceConfig{}.features});
  EXPECT_EQ(rig.device().offered() & kBalloonInitReported, 0u);
  EXPECT_FALSE(rig.driver->negotiate(kBalloonPageReporting | kBalloonInitReported));
}

TEST(BalloonReports, PausedNothingIsReleased) {
  BalloonRig rig;
  rig.bring_up();
  rig.device().pause_reporting(true);
  EXPECT_EQ(rig.report({pages(0x110)}), 0u);
  EXPECT_TRUE(rig.untouched_but({}));
  EXPECT_EQ(rig.stats().paused, 1u);
  rig.device().pause_reporting(false);
  EXPECT_EQ(rig.report({pages(0x110)}), kFrame);
}

// ---- 5.5.2: queue numbers ----

class BalloonQueues : public testing::Test {
 protected:
  void set_up(std::initializer_list<std::uint16_t> queues) {
    for (const std::uint16_t queue : queues) EXPECT_EQ(rig.driver->set_up(queue), Status::Ok) << queue;
  }
  void refuse(std::uint16_t queue) { EXPECT_EQ(rig.driver->set_up(queue), Status::InvalidArgument) << queue; }
  void expect_reporting(std::uint16_t queue) {
    rig.driver->finish();
    EXPECT_EQ(rig.number(BalloonQueue::Reporting), queue);
    EXPECT_EQ(rig.report({pages(0x110)}), kFrame);
  }
  BalloonRig rig;  // offers every feature
};

TEST_F(BalloonQueues, AreNumberedWithoutGapsOverTheFeaturesAccepted) {
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPageReporting));
  set_up({0, 1, 2});
  refuse(3);
  refuse(4);
  expect_reporting(2);
  EXPECT_EQ(rig.device().queue_numbers(), QueueNumbers::WithoutGaps);
}

TEST_F(BalloonQueues, ADriverThatDeclinesStatistics) {
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPageReporting | kBalloonFreePageHint));
  set_up({0, 1, 2, 3});
  refuse(4);
  expect_reporting(3);
}

TEST_F(BalloonQueues, Queue4IsForReportingWhereItIsSetUp) {
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPageReporting));
  set_up({0, 1, 4});
  refuse(2);
  refuse(3);
  expect_reporting(4);
  EXPECT_EQ(rig.device().queue_numbers(), QueueNumbers::AsPrinted);
}

TEST_F(BalloonQueues, AsPrintedWithWhatElseThereIs) {
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPageReporting | kBalloonStatsVq));
  set_up({4, 2, 1, 0});
  refuse(3);
  expect_reporting(4);
  EXPECT_EQ(rig.number(BalloonQueue::Stats), 2);
}

// A queue that looked like the reporting queue is the hinting queue.
TEST_F(BalloonQueues, HintingAndReportingAsPrinted) {
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPageReporting | kBalloonFreePageHint));
  set_up({0, 1, 3, 4});
  expect_reporting(4);
  EXPECT_EQ(rig.number(BalloonQueue::Hint), 3);
}

TEST_F(BalloonQueues, TheNextDriverMayNumberThemOtherwise) {
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPageReporting));
  set_up({0, 1, 4});
  expect_reporting(4);
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPageReporting));
  set_up({0, 1, 2});
  expect_reporting(2);
}

TEST_F(BalloonQueues, WithoutReportingQueue4IsNone) {
  ASSERT_TRUE(rig.driver->negotiate(kBalloonStatsVq));
  set_up({0, 1, 2});
  refuse(4);
  refuse(5);
}

TEST(BalloonReports, TheDeviceOfNothingButItsQueues) {
  BalloonRig rig({.features = 0, .queue_size = 1});
  rig.bring_up(0);
  EXPECT_EQ(rig.device().queue_count(), 2);
  EXPECT_EQ(rig.inflate({0x110}), 0u);
  EXPECT_TRUE(rig.untouched_but({target(0x110, 1)}));
}

TEST(BalloonDeviceCreate, MemoryAndConfigurationAreChecked) {
  BalloonRig rig;
  BalloonDeviceConfig config;
  alignas(64) static std::byte memory[1 << 20];
  const ByteCount size = BalloonDevice::metadata_size(config, rig.map);
  ASSERT_GT(size.raw, 0u);
  ASSERT_LE(size.raw, sizeof memory);
  const auto status = [&](std::span<std::byte> metadata) {
    return BalloonDevice::create(config, rig.map, rig.notifier, nullptr, metadata).status();
  };
  EXPECT_EQ(status({memory, size.raw - 1}), Status::InvalidArgument);
  EXPECT_EQ(status({memory + 8, sizeof memory - 8}), Status::InvalidArgument);
  EXPECT_EQ(status({memory, size.raw}), Status::Ok);
  for (const std::uint16_t bad : {std::uint16_t{0}, std::uint16_t{0x8001}}) {
    config.max_queue_size = bad;
    EXPECT_EQ(BalloonDevice::metadata_size(config, rig.map).raw, 0u);
    EXPECT_EQ(status({memory, sizeof memory}), Status::InvalidArgument);
  }
  config = {};
  config.features |= feature(20);
  EXPECT_EQ(status({memory, sizeof memory}), Status::InvalidArgument);
}

TEST(BalloonDeviceCreate, EveryRefusalHasItsWords) {
  for (std::size_t i = 0; i < kRefusals; ++i) {
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_STRNE(describe(static_cast<Refusal>(i)), describe(static_cast<Refusal>(j)));
  }
}

}  // namespace
}  // namespace fallow::detail
