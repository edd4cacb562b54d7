// Replays over a virtio balloon give the same figures as without one, and injected faults lose no content.
#include "replay/replay_balloon.h"

#include <gtest/gtest.h>

#include <array>
#include <tuple>
#include <vector>

#include "replay/replay.h"
#include "tests/support/fake_port.h"
#include "tests/support/zone_box.h"
#include "tests/unit/trace/sources.h"
#include "tests/unit/trace/workload.h"

namespace fallow::replay {
namespace {

ReplayResult run(const ReplayOptions& options) {
  const auto result = replay(options, nullptr);
  EXPECT_TRUE(result) << result.error;
  return result ? *result.object : ReplayResult{};
}

BalloonOptions balloon_of(TransportKind transport, bool event_index = true, bool indirect = true) {
  BalloonOptions balloon;
  balloon.transport = transport;
  balloon.event_index = event_index;
  balloon.indirect = indirect;
  return balloon;
}

void expect_sound(const ReplayResult& r) {
  EXPECT_GT(r.allocs, 0U);
  EXPECT_EQ(r.failed_allocs, 0U);
  EXPECT_EQ(r.refused_frees, 0U);
  EXPECT_EQ(r.corrupted_frames, 0U);
  EXPECT_EQ(r.broken_invariant, nullptr);
}

void expect_same(const ReplayResult& a, const ReplayResult& b) {
  EXPECT_EQ(a.mean_resident_mib, b.mean_resident_mib);
  EXPECT_EQ(a.end_resident_mib, b.end_resident_mib);
  EXPECT_EQ(a.peak_resident_mib, b.peak_resident_mib);
  EXPECT_EQ(a.reported_mib, b.reported_mib);
  EXPECT_EQ(a.refaulted_mib, b.refaulted_mib);
  EXPECT_EQ(a.requests, b.requests);
  EXPECT_EQ(a.entries, b.entries);
  EXPECT_EQ(a.report_failures, b.report_failures);
}

// The balloon alone: its calls and its faults.
struct WireTest : testing::TestWithParam<TransportKind> {
  void SetUp() override {
    const BalloonSetup setup{balloon_of(GetParam()), 4, false};
    auto made = ReplayBalloon::create(setup, port, box.zone(), box.cache(), *residency, nullptr);
    ASSERT_TRUE(made) << made.error;
    balloon = std::move(made.object);
    balloon->set_completion({[](void* statuses, std::uint32_t, Status status) noexcept {
                               static_cast<std::vector<Status>*>(statuses)->push_back(status);
                             },
                             &completed});
    balloon->work();
  }
  Status report() { return balloon->device().report(list, 0); }

  std::vector<Status> completed;  // of requests that report() left pending
  FakePort port;
  ZoneBox box{port, PfnCount{8192}};
  std::unique_ptr<ResidencyModel> residency = ResidencyModel::create(PfnCount{8192});
  std::unique_ptr<ReplayBalloon> balloon;
  const std::array<ScatterEntry, 2> list{{{Pfn{512}, PfnCount{512}}, {Pfn{2048}, PfnCount{512}, true}}};
};

TEST_P(WireTest, AReportReleasesWhatItNames) {
  EXPECT_EQ(balloon->device().capacity(), 4U);
  residency->touch(Pfn{0}, PfnCount{8192});
  EXPECT_EQ(report(), Status::Ok);
  EXPECT_EQ(residency->resident(), PfnCount{8192 - 1024});
  EXPECT_EQ(balloon->counts().descriptors, 3U);  // two entries and the statistics
}

TEST_P(WireTest, ABrokenDeviceIsResetWhenTheDriverWorks) {
  balloon->break_device();
  EXPECT_LE(port.next_deadline(), port.now());  // the driver has requested work
  EXPECT_EQ(balloon->counts().resets, 0U);
  EXPECT_EQ(report(), Status::Pending);
  balloon->work();
  EXPECT_EQ(completed, std::vector{Status::Failed});
  EXPECT_EQ(balloon->counts().resets, 1U);
  EXPECT_EQ(report(), Status::Ok);
}

TEST_P(WireTest, AResetIsTheDriversNextTimeItWorks) {
  balloon->reset_device();
  EXPECT_LE(port.next_deadline(), port.now());
  balloon->work();
  EXPECT_EQ(balloon->counts().resets, 1U);
  EXPECT_EQ(report(), Status::Ok);
}

// A device without the draft feature acknowledges a request even if a discard fails, and counts the refused
// elements.
TEST_P(WireTest, AFailedDiscardIsRefusedAndCounted) {
  residency->touch(Pfn{0}, PfnCount{8192});
  balloon->fail_discard();
  EXPECT_EQ(report(), Status::Ok);
  EXPECT_EQ(balloon->counts().refused, 1U);
  EXPECT_EQ(residency->resident(), PfnCount{8192 - 512});
}

TEST_P(WireTest, AClosedWireReportsNothing) {
  balloon->close();
  EXPECT_EQ(report(), Status::Failed);
  balloon->break_device();  // no driver is attached any more
  balloon->close();
}

INSTANTIATE_TEST_SUITE_P(Replay, WireTest,
                         testing::Values(TransportKind::VirtioSplit, TransportKind::VirtioPacked),
                         [](const auto& info) {
                           return info.param == TransportKind::VirtioSplit ? "Split" : "Packed";
                         });

struct ReplayBalloonTest : testing::Test {
  ReplayOptions options() const {
    ReplayOptions o;
    o.trace = file.path();
    o.order = Order{0};
    o.compare_linux = false;
    return o;
  }
  // In real time on real memory, with every frame stamped.
  ReplayOptions real_time() const {
    ReplayOptions o = options();
    o.backing = BackingKind::Memfd;
    o.verify = true;
    o.speed = 20;
    o.settle = seconds(2);
    return o;
  }
  trace::TemporaryFile file{"trace.txt", trace::busy()};
};

using Ring = std::tuple<TransportKind, bool, bool>;
class OverAnyRing : public ReplayBalloonTest, public testing::WithParamInterface<Ring> {
 protected:
  BalloonOptions balloon() const { return std::apply(balloon_of, GetParam()); }
};

TEST_P(OverAnyRing, TheFiguresAreThoseOfTheDirectTransport) {
  ReplayOptions o = options();
  const ReplayResult direct = run(o);
  o.balloon = balloon();
  const ReplayResult r = run(o);
  expect_sound(r);
  expect_same(r, direct);
  EXPECT_EQ(direct.balloon.descriptors, 0U);
  EXPECT_EQ(direct.balloon.to_device, 0U);
  EXPECT_EQ(r.balloon.descriptors, r.entries);
  EXPECT_EQ(r.balloon.to_device, r.requests);  // one request in flight: no notification can be saved
  EXPECT_EQ(r.balloon.refused, 0U);
  EXPECT_EQ(r.balloon.resets, 0U);
}

TEST_P(OverAnyRing, InRealTimeNoFrameIsLost) {
  ReplayOptions o = real_time();
  o.balloon = balloon();
  o.balloon.in_flight = 4;
  const ReplayResult r = run(o);
  expect_sound(r);
  EXPECT_GT(r.reported_mib, 1);
  EXPECT_GE(r.balloon.descriptors, r.entries);
  EXPECT_EQ(r.report_failures, 0U);
  EXPECT_EQ(r.balloon.refused, 0U);
}

TEST_P(OverAnyRing, TroubleLosesNoFrame) {
  ReplayOptions o = options();
  o.backing = BackingKind::Memfd;
  o.verify = true;
  o.disturb = milliseconds(20);
  o.balloon = balloon();
  const ReplayResult r = run(o);
  expect_sound(r);
  EXPECT_GT(r.disturbances, 300U);
  EXPECT_GT(r.requests, 0U);
  // One fault of four is a reset and another leads to one, unless the driver is still waiting after the last
  // fault.
  EXPECT_GE(r.balloon.resets, r.disturbances / 4);
}

TEST_P(OverAnyRing, TroubleInRealTimeLosesNoFrame) {
  ReplayOptions o = real_time();
  o.disturb = milliseconds(20);
  o.balloon = balloon();
  const ReplayResult r = run(o);
  expect_sound(r);
  EXPECT_GT(r.disturbances, 200U);
  // The number depends on the scheduling of the threads. The test on the virtual clock above checks the exact
  // number.
  EXPECT_GT(r.balloon.resets, 0U);
}

std::string name_of(const testing::TestParamInfo<Ring>& info) {
  const auto& [transport, event_index, indirect] = info.param;
  return std::string(transport == TransportKind::VirtioSplit ? "Split" : "Packed") +
         (event_index ? "EventIndex" : "") + (indirect ? "Indirect" : "");
}
INSTANTIATE_TEST_SUITE_P(Replay, OverAnyRing,
                         testing::Combine(testing::Values(TransportKind::VirtioSplit,
                                                          TransportKind::VirtioPacked),
                                          testing::Bool(), testing::Bool()),
                         name_of);

TEST_F(ReplayBalloonTest, TroubleOfTheDirectTransportLosesNoFrame) {
  for (const double speed : {0.0, 20.0}) {
    ReplayOptions o = real_time();
    o.speed = speed;
    o.disturb = milliseconds(20);
    const ReplayResult r = run(o);
    expect_sound(r);
    EXPECT_GT(r.disturbances, 200U);
  }
}

TEST_F(ReplayBalloonTest, TroubleIsTheSameEachTimeOnTheTracesClock) {
  ReplayOptions o = options();
  o.disturb = milliseconds(70);
  o.balloon = balloon_of(TransportKind::VirtioPacked);
  const ReplayResult first = run(o), second = run(o);
  expect_same(first, second);
  EXPECT_EQ(first.balloon.to_device, second.balloon.to_device);
}

TEST_F(ReplayBalloonTest, ARequestIsNoLongerThanItsQueue) {
  ReplayOptions o = options();
  for (const int length : {1, 2, 3, 5, 8}) {
    const auto size = static_cast<std::uint16_t>(length);
    o.balloon = balloon_of(TransportKind::VirtioPacked, true, size % 2 == 0);
    o.balloon.queue_size = size;
    const ReplayResult r = run(o);
    expect_sound(r);
    EXPECT_GE(r.requests * size, r.entries) << size;
    EXPECT_LT(r.end_resident_mib, r.end_used_mib * 1.05) << size;
  }
}

TEST_F(ReplayBalloonTest, WhatTheDeviceSaysThatItZeroedIsZero) {
  for (const TransportKind transport : {TransportKind::VirtioSplit, TransportKind::VirtioPacked}) {
    ReplayOptions o = options();
    o.backing = BackingKind::Memfd;
    o.verify = true;
    o.balloon = balloon_of(transport);
    o.balloon.init_reported = true;
    expect_sound(run(o));
    o.speed = 20;
    o.disturb = milliseconds(20);
    expect_sound(run(o));
  }
}

TEST_F(ReplayBalloonTest, WiresThatCannotBeAreErrors) {
  const auto error_of = [&](std::uint16_t size, std::uint32_t in_flight) {
    ReplayOptions o = options();
    o.balloon = balloon_of(TransportKind::VirtioSplit);
    o.balloon.queue_size = size;
    o.balloon.in_flight = in_flight;
    const auto result = replay(o, nullptr);
    EXPECT_FALSE(result);
    return result.error;
  };
  EXPECT_EQ(error_of(0, 1), "queue size 0: expected 1 to 32768 descriptors");
  EXPECT_EQ(error_of(100, 1), "queue size 100: expected a power of two for a split ring");
  EXPECT_EQ(error_of(16, 0), "0 requests in flight: expected 1 to 16, the queue size");
  EXPECT_EQ(error_of(16, 17), "17 requests in flight: expected 1 to 16, the queue size");
}

}  // namespace
}  // namespace fallow::replay
