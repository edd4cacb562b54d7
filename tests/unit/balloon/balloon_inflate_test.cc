// How the balloon device handles lists of page frame numbers (virtio 1.2, 5.5.6). In the rig, guest frame
// 0x100 is the backing's frame 0x4000.
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "tests/support/balloon_rig.h"

namespace fallow::detail {
namespace {

using Run = RecordingBacking::Run;
using Runs = std::vector<Run>;

Run target(std::uint64_t guest, std::uint64_t n) { return {{0x4000 + guest - 0x100}, {n}}; }

std::vector<std::uint32_t> numbers(std::uint32_t first, std::size_t n) {
  std::vector<std::uint32_t> list(n);
  std::iota(list.begin(), list.end(), first);
  return list;
}

TEST(BalloonInflate, PagesAreReleasedAndTheLengthIsZero) {
  BalloonRig rig;
  rig.bring_up();
  EXPECT_EQ(rig.inflate({0x110, 0x111, 0x113}), 0u) << "the device writes no byte of the list";
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 2), target(0x113, 1)}));
  EXPECT_EQ(rig.stats().inflated.raw, 3u);
  EXPECT_EQ(rig.stats().inflate_released.raw, 3u * 4096);
  EXPECT_EQ(rig.stats().refused_all(), 0u);
}

TEST(BalloonInflate, ADescendingListIsOneRun) {
  BalloonRig rig;
  rig.bring_up();
  const std::vector<std::uint32_t> up = numbers(0x200, 256);
  EXPECT_EQ(rig.inflate({up.rbegin(), up.rend()}), 0u);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x200, 256)}));
}

TEST(BalloonInflate, DeflatedPagesArePopulatedAndGoneFromTheBalloon) {
  BalloonRig rig;
  rig.bring_up();
  rig.inflate({0x110, 0x111, 0x112});
  EXPECT_EQ(rig.deflate({0x112, 0x111, 0x200}), 0u);
  EXPECT_EQ(rig.backing.populates, (Runs{target(0x111, 2)})) << "frame 0x200 was never in the balloon";
  EXPECT_EQ(rig.stats().inflated.raw, 1u);
  EXPECT_EQ(rig.stats().refused_all(), 0u);
}

TEST(BalloonInflate, PoisonDoesNotKeepPagesFromTheBalloon) {
  BalloonRig rig;
  rig.bring_up(kBalloonPagePoison);
  rig.set_config(kBalloonPoisonVal, 0xaa);
  rig.inflate({0x110});
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 1)}))
      << "the driver fills the page after deflating (5.5.6.6)";
}

TEST(BalloonInflate, ListsOfBothFormats) {
  for (const Features ring : {Features{0}, kFeatureRingPacked, kRingFeatures}) {
    BalloonRig rig;
    rig.bring_up(kBalloonMustTellHost | ring);
    EXPECT_EQ(rig.inflate({0x110}), 0u);
    EXPECT_EQ(rig.deflate({0x110}), 0u);
    EXPECT_EQ(rig.backing.discards.size(), 1u);
    EXPECT_EQ(rig.stats().inflated.raw, 0u);
  }
}

// ---- Host pages larger than 4 KiB ----

struct LargePages {
  explicit LargePages(Features features = kBalloonMustTellHost,
                      std::vector<RigRegion> regions = {{0x100, 1024, 0}})
      : rig({.regions = std::move(regions), .page = 16}) {
    rig.bring_up(features);
  }
  BalloonRig rig;
};

TEST(BalloonInflateLargePages, ReleasedWhenTheLastFrameComes) {
  LargePages large;
  BalloonRig& rig = large.rig;
  for (std::uint32_t i = 0; i < 16; ++i) {
    EXPECT_TRUE(rig.backing.discards.empty());
    rig.inflate({0x110 + (i * 5) % 16});
  }
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 16)}));
  EXPECT_EQ(rig.stats().refused_all(), 0u) << "a list that waits is not refused";
}

TEST(BalloonInflateLargePages, DeflatingOneFrameMakesThePageUsableAgain) {
  LargePages large;
  BalloonRig& rig = large.rig;
  rig.inflate(numbers(0x110, 15));
  rig.deflate({0x110});
  rig.inflate({0x11f});
  EXPECT_TRUE(rig.backing.discards.empty()) << "the guest uses frame 0x110";
  rig.inflate({0x110});
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 16)}));
}

TEST(BalloonInflateLargePages, RunsAcrossPages) {
  LargePages large;
  BalloonRig& rig = large.rig;
  rig.inflate(numbers(0x118, 48));
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x120, 32)}));
  rig.inflate(numbers(0x110, 8));
  rig.inflate(numbers(0x148, 8));
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x120, 32), target(0x110, 16), target(0x140, 16)}));
}

TEST(BalloonInflateLargePages, TwoRunsOfOnePageAreOneDiscard) {
  LargePages large;
  BalloonRig& rig = large.rig;
  rig.inflate({0x112, 0x115});
  std::vector<std::uint32_t> rest;
  for (std::uint32_t i = 0x110; i < 0x120; ++i) {
    if (i != 0x112 && i != 0x115) rest.push_back(i);
  }
  rig.inflate(rest);
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x110, 16)}));
}

TEST(BalloonInflateLargePages, APageOfTwoRegionsIsLeftAlone) {
  LargePages large(kBalloonMustTellHost, {{0x100, 8, 0}, {0x108, 24, 8}, {0x200, 8, 32}});
  BalloonRig& rig = large.rig;
  rig.inflate(numbers(0x100, 32));
  EXPECT_EQ(rig.backing.discards, (Runs{{{0x4010}, {16}}}));
  rig.inflate(numbers(0x200, 8));
  EXPECT_EQ(rig.backing.discards.size(), 1u) << "half of a host page at the end of a region is discarded";
}

// 5.5.6: without MUST_TELL_HOST a page may be in use again before the device sees its deflation. The device
// may therefore discard only pages of the current request.
TEST(BalloonInflateLargePages, WithoutMustTellHostARequestStandsForItself) {
  LargePages large(0);
  BalloonRig& rig = large.rig;
  rig.inflate(numbers(0x110, 15));
  rig.inflate({0x11f});
  EXPECT_TRUE(rig.backing.discards.empty());
  EXPECT_EQ(rig.refused(Refusal::PartOfPage), 2u);
  rig.inflate(numbers(0x120, 16));
  EXPECT_EQ(rig.backing.discards, (Runs{target(0x120, 16)}));
}

TEST(BalloonInflateLargePages, EachBackingHasItsOwn) {
  // The rings' backing has pages of 4 KiB.
  LargePages large;
  large.rig.inflate({0x110, BalloonRig::kRingsFrame + 255});
  EXPECT_TRUE(large.rig.backing.discards.empty());
  EXPECT_EQ(large.rig.rings_backing.discards, (Runs{{{255}, {1}}}));
}

// A monitor adds, moves or removes memory while the guest runs.
TEST(BalloonInflate, WhatIsInTheBalloonStaysThereWhenTheMemoryChanges) {
  BalloonRig rig;
  rig.bring_up();
  rig.inflate({0x110, 0x111, 0x4ff});
  MemoryMap next;
  std::byte ram{};
  RecordingBacking backing(&ram, {0}, {1});
  const std::array regions{MappedRegion{{{0}, {0x80 * kFrameSize}, &ram}, &backing, {0}},
                           MappedRegion{{address_of(Pfn{0x111}), {0x100 * kFrameSize}, &ram}, &backing, {0}}};
  ASSERT_EQ(next.assign(regions), Status::Ok);
  std::vector<std::uint64_t> words(InflatedPages::words(next));
  EXPECT_EQ(rig.device().change_memory(next, words), Status::Busy) << "queues are set up";
  for (std::uint16_t queue = 0; queue < rig.device().queue_count(); ++queue)
    static_cast<void>(rig.device().stop_queue(queue));
  EXPECT_EQ(rig.device().change_memory(next, std::span(words).first(1)), Status::InvalidArgument);
  ASSERT_EQ(rig.device().change_memory(next, words), Status::Ok);
  EXPECT_EQ(rig.stats().inflated.raw, 1u) << "one of three inflated pages is in the new memory";
}

}  // namespace
}  // namespace fallow::detail
