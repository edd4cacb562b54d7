#include "fallow/host/backing.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/unit/host/scripted_backing.h"

namespace fallow::detail {
namespace {

struct BackingTest : testing::Test {
  ScriptedBacking backing{Pfn{100}, PfnCount{50}};
  using Calls = std::vector<ScriptedBacking::Call>;
};

TEST_F(BackingTest, KnowsItsRange) {
  EXPECT_TRUE(backing.contains(Pfn{100}, PfnCount{50}));
  EXPECT_TRUE(backing.contains(Pfn{149}, PfnCount{1}));
  EXPECT_FALSE(backing.contains(Pfn{99}, PfnCount{1}));
  EXPECT_FALSE(backing.contains(Pfn{150}, PfnCount{1}));
  EXPECT_FALSE(backing.contains(Pfn{100}, PfnCount{51}));
  EXPECT_FALSE(backing.contains(Pfn{120}, PfnCount{~std::uint64_t{0}}));
  EXPECT_FALSE(backing.contains(Pfn{~std::uint64_t{0}}, PfnCount{2}));
}

TEST_F(BackingTest, FramesLieOneAfterTheOther) {
  EXPECT_EQ(backing.address(Pfn{149}) - backing.address(Pfn{100}),
            static_cast<std::ptrdiff_t>(49 * kFrameSize));
  EXPECT_DEATH(static_cast<void>(backing.address(Pfn{150})), "outside the backing; ask contains\\(\\) first");
  EXPECT_DEATH(static_cast<void>(backing.address(Pfn{99})), "outside the backing; ask contains\\(\\) first");
}

TEST_F(BackingTest, RangesOutsideAreRefusedAndNothingIsCalled) {
  EXPECT_EQ(backing.discard(Pfn{99}, PfnCount{2}), Status::OutsideZone);
  EXPECT_EQ(backing.discard(Pfn{149}, PfnCount{2}), Status::OutsideZone);
  EXPECT_EQ(backing.discard(Pfn{120}, PfnCount{~std::uint64_t{0}}), Status::OutsideZone);
  EXPECT_EQ(backing.discard(Pfn{120}, PfnCount{0}), Status::OutsideZone);
  EXPECT_TRUE(backing.calls.empty());
  EXPECT_EQ(backing.counts().refused, 4u);
  EXPECT_EQ(backing.counts().calls, 0u);
}

TEST_F(BackingTest, DiscardIsOneCallOverExactlyTheRange) {
  EXPECT_EQ(backing.discard(Pfn{110}, PfnCount{3}), Status::Ok);
  EXPECT_EQ(backing.calls, (Calls{{10 * kFrameSize, 3 * kFrameSize}}));
  EXPECT_EQ(backing.counts().calls, 1u);
  EXPECT_EQ(backing.counts().frames, PfnCount{3});
}

TEST_F(BackingTest, RepeatsWhatTheKernelAsksToRepeat) {
  backing.answers = {EINTR, EAGAIN, EINTR};
  EXPECT_EQ(backing.discard(Pfn{100}, PfnCount{1}), Status::Ok);
  EXPECT_EQ(backing.calls.size(), 4u);
  EXPECT_EQ(backing.counts().retries, 3u);
  EXPECT_EQ(backing.last_error(), 0);
}

TEST_F(BackingTest, GivesUpOnAPageThatStaysBusy) {
  backing.answers.assign(1000, EAGAIN);
  EXPECT_EQ(backing.discard(Pfn{100}, PfnCount{1}), Status::Failed);
  EXPECT_LE(backing.calls.size(), 100u);
  EXPECT_EQ(backing.last_error(), EAGAIN);
  EXPECT_EQ(backing.counts().failures, 1u);
}

TEST_F(BackingTest, OtherErrorsAreKeptAndNotRepeated) {
  backing.answers = {EINVAL};
  EXPECT_EQ(backing.discard(Pfn{100}, PfnCount{1}), Status::Failed);
  EXPECT_EQ(backing.calls.size(), 1u);
  EXPECT_EQ(backing.last_error(), EINVAL);
  EXPECT_EQ(backing.counts().failures, 1u);
  EXPECT_EQ(backing.counts().frames, PfnCount{0});
}

struct BackingRuns : BackingTest {
  std::vector<Status> discard(const std::vector<ScatterEntry>& runs) {
    std::vector<Status> answers(runs.size(), Status::InvalidArgument);
    backing.discard_all(runs, answers.data());
    return answers;
  }
};

TEST_F(BackingRuns, TogetherAsFarAsThatGoes) {
  backing.together = {2};
  EXPECT_EQ(discard({{{100}, {1}}, {{102}, {3}}, {{110}, {1}}}), std::vector<Status>(3, Status::Ok));
  EXPECT_EQ(backing.asked, std::vector<std::size_t>{3});
  EXPECT_EQ(backing.calls, (Calls{{10 * kFrameSize, kFrameSize}}));
  EXPECT_EQ(backing.counts().calls, 2u);
  EXPECT_EQ(backing.counts().frames, PfnCount{5});
}

TEST_F(BackingRuns, OneByOneWhereTheyCannotBeTogether) {
  EXPECT_EQ(discard({{{100}, {1}}, {{102}, {3}}}), std::vector<Status>(2, Status::Ok));
  EXPECT_EQ(backing.calls, (Calls{{0, kFrameSize}, {2 * kFrameSize, 3 * kFrameSize}}));
  EXPECT_EQ(discard({}), std::vector<Status>{});
}

TEST_F(BackingRuns, OneThatFailsDoesNotHoldUpTheOthers) {
  backing.together = {1, 0, 2};
  backing.answers = {EINVAL};
  EXPECT_EQ(discard({{{100}, {1}}, {{102}, {1}}, {{104}, {1}}, {{106}, {1}}}),
            (std::vector<Status>{Status::Ok, Status::Failed, Status::Ok, Status::Ok}));
  EXPECT_EQ(backing.counts().failures, 1u);
  EXPECT_EQ(backing.counts().frames, PfnCount{3});
  EXPECT_EQ(backing.last_error(), EINVAL);
}

TEST_F(BackingRuns, OneThatIsOutsideIsRefusedByItself) {
  backing.together = {2, 2};
  EXPECT_EQ(discard({{{100}, {1}}, {{102}, {1}}, {{149}, {2}}, {{104}, {1}}, {{120}, {0}}, {{106}, {1}}}),
            (std::vector<Status>{Status::Ok, Status::Ok, Status::OutsideZone, Status::Ok, Status::OutsideZone,
                                 Status::Ok}));
  EXPECT_EQ(backing.asked, std::vector<std::size_t>{2});
  EXPECT_EQ(backing.counts().refused, 2u);
}

TEST_F(BackingRuns, NeverMoreThanACallTakes) {
  backing.together.assign(3, ~std::size_t{0});
  EXPECT_EQ(discard(std::vector<ScatterEntry>(150, {{100}, {1}})), std::vector<Status>(150, Status::Ok));
  EXPECT_EQ(backing.asked, (std::vector<std::size_t>{64, 64, 22}));
}

TEST(BackingOfHugePages, PartsOfAPageAreRefusedAndNothingIsCalled) {
  ScriptedBacking backing(Pfn{512}, PfnCount{2048}, PfnCount{512});
  EXPECT_EQ(backing.page(), PfnCount{512});
  EXPECT_EQ(backing.discard(Pfn{1024}, PfnCount{511}), Status::Misaligned);
  EXPECT_EQ(backing.discard(Pfn{1025}, PfnCount{512}), Status::Misaligned);
  EXPECT_EQ(backing.discard(Pfn{1025}, PfnCount{1023}), Status::Misaligned);
  EXPECT_TRUE(backing.calls.empty());
  EXPECT_EQ(backing.counts().refused, 3u);
  EXPECT_EQ(backing.discard(Pfn{1024}, PfnCount{1024}), Status::Ok);
  EXPECT_EQ(backing.calls.size(), 1u);
}

}  // namespace
}  // namespace fallow::detail
