// Replays a recorded working day on every backing, with every allocated frame stamped and checked.
#include <gtest/gtest.h>

#include "replay/replay.h"

namespace fallow {
namespace {

replay::ReplayResult replay_workday(replay::BackingKind backing, Order order,
                                    PolicyKind policy = PolicyKind::Aged) {
  replay::ReplayOptions options;
  options.trace = FALLOW_WORKDAY;
  options.policy.kind = policy;
  options.order = order;
  options.backing = backing;
  options.verify = backing != replay::BackingKind::None;
  const auto result = replay::replay(options, nullptr);
  EXPECT_TRUE(result) << result.error;
  return result ? *result.object : replay::ReplayResult{};
}

void expect_sound(const replay::ReplayResult& r) {
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

class OnBacking : public testing::TestWithParam<replay::BackingKind> {};

TEST_P(OnBacking, WorkdayLosesNoFrame) { expect_sound(replay_workday(GetParam(), Order{9})); }

TEST_P(OnBacking, WorkdayLosesNoFrameWhenSingleFramesAreReported) {
  const replay::ReplayResult r = replay_workday(GetParam(), Order{0});
  expect_sound(r);
  // With huge pages, the host faults in whole blocks.
  const double most = GetParam() == replay::BackingKind::Thp ? 1.10 : 1.02;
  EXPECT_LE(r.end_resident_mib, r.end_used_mib * most);
}

std::string name_of(const testing::TestParamInfo<replay::BackingKind>& info) {
  if (info.param == replay::BackingKind::Thp) return "Thp";
  return info.param == replay::BackingKind::Memfd ? "Memfd" : "Anonymous";
}

INSTANTIATE_TEST_SUITE_P(Replay, OnBacking,
                         testing::Values(replay::BackingKind::Anonymous, replay::BackingKind::Thp,
                                         replay::BackingKind::Memfd),
                         name_of);

TEST(Replay, WorkdayOnTheBooksStaysWithinItsBounds) {
  const replay::ReplayResult coarse = replay_workday(replay::BackingKind::None, Order{9});
  const replay::ReplayResult fine = replay_workday(replay::BackingKind::None, Order{0});
  EXPECT_LE(fine.mean_resident_mib, 1.05 * fine.mean_used_mib);
  EXPECT_LE(fine.excess_gib_s, 0.1 * fine.linux_excess_gib_s);
  EXPECT_LE(coarse.mean_resident_mib, 1.30 * coarse.mean_used_mib);
  EXPECT_LT(coarse.excess_gib_s, coarse.linux_excess_gib_s);
}

}  // namespace
}  // namespace fallow
