// A recorded working day on every backing, with every allocated frame stamped and checked.
#include <gtest/gtest.h>

#include "fallow/trace/replay.h"

namespace fallow {
namespace {

ReplayResult replay_workday(BackingKind backing, Order order, PolicyKind policy = PolicyKind::Aged) {
  ReplayOptions options;
  options.trace = FALLOW_WORKDAY;
  options.policy = policy;
  options.order = order;
  options.backing = backing;
  options.verify = backing != BackingKind::None;
  std::string error;
  const auto result = replay(options, nullptr, &error);
  EXPECT_TRUE(result) << error;
  return result.value_or(ReplayResult{});
}

void expect_sound(const ReplayResult& r) {
  EXPECT_EQ(r.allocs, 324577U);
  EXPECT_EQ(r.frees, 287761U);
  EXPECT_EQ(r.unmatched_frees, 0U);
  EXPECT_EQ(r.failed_allocs, 0U);
  EXPECT_EQ(r.refused_frees, 0U);
  EXPECT_EQ(r.corrupted_frames, 0U);
  EXPECT_EQ(r.report_failures, 0U);
  EXPECT_EQ(r.broken_invariant, nullptr);
  EXPECT_GT(r.reported_mib, 300);
}

class OnBacking : public testing::TestWithParam<BackingKind> {};

TEST_P(OnBacking, WorkdayLosesNoFrame) { expect_sound(replay_workday(GetParam(), Order{9})); }

TEST_P(OnBacking, WorkdayLosesNoFrameWhenSingleFramesAreReported) {
  const ReplayResult r = replay_workday(GetParam(), Order{0});
  expect_sound(r);
  // A host with huge pages brings back whole blocks.
  const double most = GetParam() == BackingKind::Thp ? 1.10 : 1.02;
  EXPECT_LE(r.end_resident_mib, r.end_used_mib * most);
}

std::string name_of(const testing::TestParamInfo<BackingKind>& info) {
  if (info.param == BackingKind::Thp) return "Thp";
  return info.param == BackingKind::Memfd ? "Memfd" : "Anonymous";
}

INSTANTIATE_TEST_SUITE_P(Replay, OnBacking,
                         testing::Values(BackingKind::Anonymous, BackingKind::Thp, BackingKind::Memfd),
                         name_of);

TEST(Replay, WorkdayOnTheBooksStaysWithinItsBounds) {
  const ReplayResult coarse = replay_workday(BackingKind::None, Order{9});
  const ReplayResult fine = replay_workday(BackingKind::None, Order{0});
  EXPECT_LE(fine.mean_resident_mib, 1.05 * fine.mean_used_mib);
  EXPECT_LE(fine.excess_gib_s, 0.1 * fine.linux_excess_gib_s);
  EXPECT_LE(coarse.mean_resident_mib, 1.30 * coarse.mean_used_mib);
  EXPECT_LT(coarse.excess_gib_s, coarse.linux_excess_gib_s);
}

}  // namespace
}  // namespace fallow
