// Replays a recorded working day over a virtio balloon, with driver and device on separate threads and every
// frame stamped.
#include <gtest/gtest.h>

#include <tuple>

#include "replay/replay.h"

namespace fallow {
namespace {

constexpr double kMaximumSpeed = 0, kSpeed = 16;
constexpr Order kBlocks{9}, kFrames{0};

struct Setting {
  Order order;
  double speed = kMaximumSpeed;
  Nanoseconds disturb{};
};

replay::ReplayResult replay_workday(const replay::BalloonOptions& balloon, const Setting& setting) {
  replay::ReplayOptions options;
  options.trace = FALLOW_WORKDAY;
  options.order = setting.order;
  options.backing = replay::BackingKind::Memfd;
  options.verify = true;
  options.speed = setting.speed;
  if (setting.speed != kMaximumSpeed) options.settle = seconds(40);  // 2.5 s, on a busy machine
  options.disturb = setting.disturb;
  options.compare_linux = false;
  options.balloon = balloon;
  const auto result = replay::replay(options, nullptr);
  EXPECT_TRUE(result) << result.error;
  return result ? *result.object : replay::ReplayResult{};
}

void expect_sound(const replay::ReplayResult& r) {
  EXPECT_EQ(r.allocs, 324577U);
  EXPECT_EQ(r.failed_allocs, 0U);
  EXPECT_EQ(r.refused_frees, 0U);
  EXPECT_EQ(r.corrupted_frames, 0U);
  EXPECT_EQ(r.broken_invariant, nullptr);
  EXPECT_GT(r.reported_mib, 0);
}

void expect_undisturbed(const replay::ReplayResult& r) {
  expect_sound(r);
  EXPECT_EQ(r.report_failures, 0U);
  EXPECT_EQ(r.balloon.refused, 0U);
}

using Ring = std::tuple<replay::TransportKind, bool, bool>;

std::string name_of(const testing::TestParamInfo<Ring>& info) {
  const auto& [transport, event_index, indirect] = info.param;
  return std::string(transport == replay::TransportKind::VirtioSplit ? "Split" : "Packed") +
         (event_index ? "EventIndex" : "") + (indirect ? "Indirect" : "");
}

class WorkdayOverAnyRing : public testing::TestWithParam<Ring> {
 protected:
  static replay::BalloonOptions balloon() {
    replay::BalloonOptions balloon;
    std::tie(balloon.transport, balloon.event_index, balloon.indirect) = GetParam();
    return balloon;
  }
};

TEST_P(WorkdayOverAnyRing, GivesBackTheSameAsTheDirectTransport) {
  static const replay::ReplayResult direct = replay_workday({}, {kBlocks});
  const replay::ReplayResult r = replay_workday(balloon(), {kBlocks});
  expect_undisturbed(r);
  EXPECT_EQ(r.end_resident_mib, direct.end_resident_mib);
  EXPECT_EQ(r.reported_mib, direct.reported_mib);
  EXPECT_EQ(r.refaulted_mib, direct.refaulted_mib);
  EXPECT_EQ(r.entries, direct.entries);
}

// The memory returned during the replay depends on the load of the machine, but the final resident memory
// does not: with single frames, it equals the memory in use.
TEST_P(WorkdayOverAnyRing, LosesNoFrameInRealTime) {
  static const replay::ReplayResult direct = replay_workday({}, {kFrames});
  const replay::ReplayResult r = replay_workday(balloon(), {kFrames, kSpeed});
  expect_undisturbed(r);
  EXPECT_NEAR(r.end_resident_mib, direct.end_resident_mib, 0.02 * direct.end_resident_mib);
}

INSTANTIATE_TEST_SUITE_P(Replay, WorkdayOverAnyRing,
                         testing::Combine(testing::Values(replay::TransportKind::VirtioSplit,
                                                          replay::TransportKind::VirtioPacked),
                                          testing::Bool(), testing::Bool()),
                         name_of);

class WorkdayInTrouble : public testing::TestWithParam<replay::TransportKind> {};

// Disturbs every 100 ms of trace time, which is every 6 ms at this speed.
TEST_P(WorkdayInTrouble, LosesNoFrameAndNoAllocation) {
  replay::BalloonOptions balloon;
  balloon.transport = GetParam();
  balloon.init_reported = true;
  for (const double speed : {kMaximumSpeed, kSpeed}) {
    const replay::ReplayResult r = replay_workday(balloon, {kBlocks, speed, milliseconds(100)});
    expect_sound(r);
    EXPECT_GE(r.disturbances, 310U);
    EXPECT_GE(r.balloon.resets, balloon.virtio() ? r.disturbances / 8 : 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Replay, WorkdayInTrouble,
                         testing::Values(replay::TransportKind::Direct, replay::TransportKind::VirtioSplit,
                                         replay::TransportKind::VirtioPacked),
                         [](const auto& info) {
                           if (info.param == replay::TransportKind::Direct) return "Direct";
                           return info.param == replay::TransportKind::VirtioSplit ? "Split" : "Packed";
                         });

}  // namespace
}  // namespace fallow
