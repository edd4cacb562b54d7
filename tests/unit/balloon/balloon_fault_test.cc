// The i-th discard fails, for every i: the rest is released, the used length is correct, and no byte outside
// the request is lost.
#include <gtest/gtest.h>

#include "tests/support/balloon_rig.h"

namespace fallow::detail {
namespace {

constexpr std::uint32_t kFrame = 4096;

std::vector<RecordingBacking::Run> but_the(std::size_t i, std::vector<RecordingBacking::Run> runs) {
  if (i <= runs.size()) runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(i - 1));
  return runs;
}

class CountingObserver final : public BalloonObserver {
 public:
  void notice(Notice n) noexcept override { notices += n == Notice::NotReleased; }
  int notices = 0;
};

TEST(BalloonFault, TheIthDiscardOfAReportFails) {
  for (std::size_t i = 1; i <= 6; ++i) {
    CountingObserver observer;
    BalloonRig rig({.regions = {{0x100, 64, 0}, {0x140, 64, 512}}, .observer = &observer});
    rig.bring_up();
    rig.backing.fail_at = i;
    // Five discards: three runs, the third of which extends over two regions and is joined with no other, and
    // a last run.
    const std::optional<std::uint32_t> length =
        rig.report({pages(0x100), pages(0x110, 2), pages(0x138, 16), pages(0x150, 3)});
    const std::uint32_t true_length[] = {0, 1, 3, 3 + 8, 3 + 16, 3 + 16 + 3};
    EXPECT_EQ(length, true_length[i - 1] * kFrame);
    const auto all =
        but_the(i, {{{0x4000}, {1}}, {{0x4010}, {2}}, {{0x4038}, {8}}, {{0x4200}, {8}}, {{0x4210}, {3}}});
    std::uint64_t frames = 0;
    for (std::uint64_t f = 0; f < BalloonRig::kFrames; ++f) {
      bool expected = false;
      for (const auto& run : all)
        expected |= f >= run.first.raw - 0x4000 && f < run.first.raw - 0x4000 + run.count.raw;
      EXPECT_EQ(rig.backing.discarded(Pfn{0x4000 + f}), expected) << i << " " << f;
      frames += expected;
    }
    EXPECT_EQ(rig.stats().released.raw, frames * kFrame);
    EXPECT_EQ(rig.refused(Refusal::NotReleased), i <= 5 ? 1u : 0u);
    EXPECT_EQ(observer.notices, i <= 5 ? 1 : 0);
  }
}

TEST(BalloonFault, TheIthDiscardOfAnInflationFails) {
  for (std::size_t i = 1; i <= 4; ++i) {
    BalloonRig rig;
    rig.bring_up();
    rig.backing.fail_at = i;
    EXPECT_EQ(rig.inflate({0x110, 0x120, 0x130}), 0u) << "a list is acknowledged even if a discard fails";
    EXPECT_EQ(rig.backing.discards.size(), 3u);
    EXPECT_EQ(rig.stats().inflated.raw, 3u);
    EXPECT_EQ(rig.stats().inflate_released.raw, (i <= 3 ? 2u : 3u) * kFrame);
    EXPECT_EQ(rig.deflate({0x110, 0x120, 0x130}), 0u);
    EXPECT_EQ(rig.stats().inflated.raw, 0u);
  }
}

TEST(BalloonFault, ANoticeIsGivenOnce) {
  CountingObserver observer;
  BalloonRig rig({.observer = &observer});
  rig.bring_up();
  for (std::size_t i = 1; i <= 3; ++i) {
    rig.backing.fail_at = i;
    EXPECT_EQ(rig.report({pages(0x110)}), 0u);
  }
  EXPECT_EQ(observer.notices, 1);
  EXPECT_EQ(rig.refused(Refusal::NotReleased), 3u);
}

}  // namespace
}  // namespace fallow::detail
