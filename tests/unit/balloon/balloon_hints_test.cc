// Free page hinting of the balloon device (virtio 1.2, 5.5.6.5).
#include <gtest/gtest.h>

#include "tests/support/balloon_rig.h"

namespace fallow::detail {
namespace {

class HintObserver final : public BalloonObserver {
 public:
  void hinted(GuestPhys start, ByteCount n) noexcept override { runs.emplace_back(start.raw, n.raw); }
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
};

class BalloonHints : public ::testing::Test {
 protected:
  BalloonHints() { rig.bring_up(kBalloonFreePageHint); }

  void say(std::uint32_t id) {
    id = little_endian(id);
    rig.put(BalloonRig::kRoom, &id, sizeof id);
    EXPECT_TRUE(rig.driver->exchange(kQueue, {{BalloonRig::kRoom, 4, false}}).has_value());
  }
  void hint(std::initializer_list<QueueBuffer> buffers) {
    EXPECT_EQ(rig.driver->exchange(kQueue, buffers), 0u);
  }
  std::uint32_t command() { return rig.config(kBalloonHintCmdId); }
  // Starts a new round and returns its id.
  std::uint32_t start() {
    EXPECT_EQ(rig.device().start_hinting(), Status::Ok);
    return command();
  }

  static constexpr std::uint16_t kQueue = 2;  // the driver declines the statistics queue
  HintObserver observer;
  BalloonRig rig{{.observer = &observer}};
};
using HostileHints = BalloonHints;

TEST_F(BalloonHints, PagesUnderTheCurrentIdAreShownToTheHost) {
  const std::uint64_t told = rig.notifier.config;
  const std::uint32_t id = start();
  EXPECT_GE(id, 2u);
  EXPECT_EQ(rig.notifier.config, told + 1);
  say(id);
  hint({pages(0x110, 4)});
  hint({pages(0x130), pages(0x131)});
  EXPECT_EQ(observer.runs,
            (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0x110'000, 0x4000}, {0x130'000, 0x2000}}));
  EXPECT_EQ(rig.stats().hinted, 6u * 4096);
  EXPECT_TRUE(rig.untouched_but({})) << "the device itself does not discard hinted pages";
  EXPECT_EQ(rig.stats().refused_all(), 0u);
}

TEST_F(BalloonHints, IdAndPagesMayShareAChain) {
  const std::uint32_t id = little_endian(start());
  rig.put(BalloonRig::kRoom, &id, sizeof id);
  hint({{BalloonRig::kRoom, 4, false}, pages(0x110)});
  EXPECT_EQ(observer.runs.size(), 1u);
}

// 5.5.6.5.2: an id is not reused before the driver has sent STOP.
TEST_F(BalloonHints, ANewRoundWaitsForTheDriversStop) {
  const std::uint32_t id = start();
  say(id);
  rig.device().stop_hinting();
  EXPECT_EQ(command(), kHintStop);
  EXPECT_EQ(rig.device().start_hinting(), Status::Busy);
  say(kHintStop);
  const std::uint32_t next = start();
  EXPECT_NE(next, id);
  EXPECT_GE(next, 2u);
}

TEST_F(BalloonHints, ADriverThatDidNotBeginNeedNotEnd) {
  const std::uint32_t id = start();
  EXPECT_NE(start(), id);
}

TEST_F(BalloonHints, DoneIsSaidWhenHintsAreOfNoMoreUse) {
  say(start());
  rig.device().finish_hinting();
  EXPECT_EQ(command(), kHintDone);
  hint({pages(0x110)});
  EXPECT_TRUE(observer.runs.empty());
  EXPECT_EQ(rig.refused(Refusal::HintId), 1u);
}

TEST_F(BalloonHints, WithoutTheFeatureThereIsNothing) {
  rig.bring_up(0);
  EXPECT_EQ(rig.device().start_hinting(), Status::NotFound);
  rig.device().stop_hinting();
  rig.device().finish_hinting();
  EXPECT_EQ(command(), 0u);
}

TEST_F(BalloonHints, AResetEndsTheRound) {
  say(start());
  rig.bring_up(kBalloonFreePageHint);
  EXPECT_EQ(command(), kHintStop);
  hint({pages(0x110)});
  EXPECT_TRUE(observer.runs.empty());
  EXPECT_EQ(rig.device().start_hinting(), Status::Ok);
}

TEST_F(BalloonHints, AStoppedQueueEndsTheRound) {
  say(start());
  static_cast<void>(rig.device().stop_queue(kQueue));
  EXPECT_EQ(rig.device().start_hinting(), Status::Ok);
}

TEST_F(HostileHints, Case24_PagesWithoutAnId) {
  hint({pages(0x110), pages(0x120)});
  start();
  hint({pages(0x110)});
  EXPECT_TRUE(observer.runs.empty());
  EXPECT_EQ(rig.refused(Refusal::HintId), 3u);
}

TEST_F(HostileHints, Case24_StaleAndReservedIds) {
  const std::uint32_t stale = start();
  const std::uint32_t id = start();
  for (const std::uint32_t wrong : {stale, kHintStop, kHintDone, id + 1, ~std::uint32_t{0}}) {
    say(wrong);
    say(wrong);
    hint({pages(0x110)});
  }
  EXPECT_TRUE(observer.runs.empty());
  EXPECT_EQ(rig.refused(Refusal::HintId), 5u);
  rig.device().stop_hinting();
  say(kHintStop);
  hint({pages(0x110)});
  EXPECT_TRUE(observer.runs.empty()) << "STOP is not an id, although the configuration holds it";
}

TEST_F(HostileHints, Case24_CommandsOfAnotherLength) {
  const std::uint32_t id = start();
  for (const std::uint32_t length : {0u, 3u, 5u, ~0u}) {
    rig.put(BalloonRig::kRoom, &id, sizeof id);
    EXPECT_EQ(rig.driver->exchange(kQueue, {{BalloonRig::kRoom, length, false}}), 0u);
  }
  EXPECT_EQ(rig.refused(Refusal::ListLength), 4u);
  EXPECT_EQ(rig.driver->exchange(kQueue, {{{~std::uint64_t{0}}, 4, false}}), 0u);
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 1u);
  hint({pages(0x110)});
  EXPECT_TRUE(observer.runs.empty());
}

TEST_F(HostileHints, Case24_PagesAreCheckedAsReportsAre) {
  say(start());
  hint({span_of(0x110'800, 0x1000),
        {{~std::uint64_t{0} - 10}, 4096, true},
        {{0x110'000}, 0, true},
        {{0x7'000'000}, 4096, true},
        span_of(0x111'800, 0x1000)});
  EXPECT_EQ(observer.runs, (std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0x111'000, 0x1000}}));
  EXPECT_EQ(rig.refused(Refusal::PartOfPage), 1u);
  EXPECT_EQ(rig.refused(Refusal::Wraps), 1u);
  EXPECT_EQ(rig.refused(Refusal::Empty), 1u);
  EXPECT_EQ(rig.refused(Refusal::OutsideMemory), 1u);
}

}  // namespace
}  // namespace fallow::detail
