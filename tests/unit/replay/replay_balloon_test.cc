// Replays over a virtio balloon: the same figures as without one, and nothing lost when there is trouble.
#include "replay/replay_balloon.h"

#include <gtest/gtest.h>

#include <array>
#include <tuple>

#include "replay/replay.h"
#include "tests/support/fake_port.h"
#include "tests/support/zone_box.h"
#include "tests/unit/trace/sources.h"
#include "tests/unit/trace/workload.h"

namespace fallow::replay {
namespace {

ReplayResult run(const ReplayOptions& options) {
  std::string error;
  const auto result = replay(options, nullptr, &error);
  EXPECT_TRUE(result) << error;
  return result.value_or(ReplayResult{});
}

WireOptions wire_of(TransportKind transport, bool event_index = true, bool indirect = true) {
  WireOptions wire;
  wire.transport = transport;
  wire.event_index = event_index;
  wire.indirect = indirect;
  return wire;
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

// A wire on its own: what it does when it is called and when there is trouble.
struct WireTest : testing::TestWithParam<TransportKind> {
  void SetUp() override {
    const WireSetup setup{wire_of(GetParam()), 4, false};
    auto made = ReplayBalloon::create(setup, port, box.zone(), box.cache(), *books, nullptr);
    ASSERT_TRUE(made) << made.error;
    wire = std::move(made.object);
    wire->work();
  }
  Status report() { return wire->device().report(list, 0); }

  FakePort port;
  ZoneBox box{port, PfnCount{8192}};
  std::unique_ptr<ResidencyModel> books = ResidencyModel::create(PfnCount{8192});
  std::unique_ptr<ReplayBalloon> wire;
  const std::array<ScatterEntry, 2> list{{{Pfn{512}, PfnCount{512}}, {Pfn{2048}, PfnCount{512}, true}}};
};

TEST_P(WireTest, AReportReleasesWhatItNames) {
  EXPECT_EQ(wire->device().capacity(), 4U);
  books->touch(Pfn{0}, PfnCount{8192});
  EXPECT_EQ(report(), Status::Ok);
  EXPECT_EQ(books->resident(), PfnCount{8192 - 1024});
  EXPECT_EQ(wire->counts().descriptors, 3U);  // and one for the statistics
}

TEST_P(WireTest, ABrokenDeviceIsResetWhenTheDriverWorks) {
  wire->break_device();
  EXPECT_LE(port.next_deadline(), port.now());  // the driver wants to work
  EXPECT_EQ(wire->counts().resets, 0U);
  EXPECT_NE(report(), Status::Ok);
  wire->work();
  EXPECT_EQ(wire->counts().resets, 1U);
  EXPECT_EQ(report(), Status::Ok);
}

TEST_P(WireTest, AResetIsTheDriversNextTimeItWorks) {
  wire->reset_device();
  EXPECT_LE(port.next_deadline(), port.now());
  wire->work();
  EXPECT_EQ(wire->counts().resets, 1U);
  EXPECT_EQ(report(), Status::Ok);
}

// A device without the draft feature is acknowledged all the same: what it did not release it counts.
TEST_P(WireTest, AFailedDiscardIsRefusedAndCounted) {
  books->touch(Pfn{0}, PfnCount{8192});
  wire->fail_discard();
  EXPECT_EQ(report(), Status::Ok);
  EXPECT_EQ(wire->counts().refused, 1U);
  EXPECT_EQ(books->resident(), PfnCount{8192 - 512});
}

TEST_P(WireTest, AClosedWireReportsNothing) {
  wire->close();
  EXPECT_EQ(report(), Status::Failed);
  wire->break_device();  // nobody is there
  wire->close();
}

INSTANTIATE_TEST_SUITE_P(Replay, WireTest,
                         testing::Values(TransportKind::VirtioSplit, TransportKind::VirtioPacked),
                         [](const auto& info) {
                           return info.param == TransportKind::VirtioSplit ? "Split" : "Packed";
                         });

struct ReplayWireTest : testing::Test {
  ReplayOptions options() const {
    ReplayOptions o;
    o.trace = file.path();
    o.order = Order{0};
    o.compare_linux = false;
    return o;
  }
  // In real time on real memory, every frame stamped.
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
class OverAnyRing : public ReplayWireTest, public testing::WithParamInterface<Ring> {
 protected:
  WireOptions wire() const { return std::apply(wire_of, GetParam()); }
};

TEST_P(OverAnyRing, TheFiguresAreThoseOfTheDirectTransport) {
  ReplayOptions o = options();
  const ReplayResult direct = run(o);
  o.wire = wire();
  const ReplayResult r = run(o);
  expect_sound(r);
  expect_same(r, direct);
  EXPECT_EQ(direct.wire.descriptors, 0U);
  EXPECT_EQ(direct.wire.to_device, 0U);
  EXPECT_EQ(r.wire.descriptors, r.entries);
  EXPECT_EQ(r.wire.to_device, r.requests);  // one in flight: there is nothing to save
  EXPECT_EQ(r.wire.refused, 0U);
  EXPECT_EQ(r.wire.resets, 0U);
}

TEST_P(OverAnyRing, InRealTimeNoFrameIsLost) {
  ReplayOptions o = real_time();
  o.wire = wire();
  o.wire.in_flight = 4;
  const ReplayResult r = run(o);
  expect_sound(r);
  EXPECT_GT(r.reported_mib, 1);
  EXPECT_GE(r.wire.descriptors, r.entries);
  EXPECT_EQ(r.report_failures, 0U);
  EXPECT_EQ(r.wire.refused, 0U);
}

TEST_P(OverAnyRing, TroubleLosesNoFrame) {
  ReplayOptions o = options();
  o.backing = BackingKind::Memfd;
  o.verify = true;
  o.disturb = milliseconds(20);
  o.wire = wire();
  const ReplayResult r = run(o);
  expect_sound(r);
  EXPECT_GT(r.disturbances, 300U);
  EXPECT_GT(r.requests, 0U);
  // One of four troubles is a reset, another one ends in one, unless the driver still waits after the last.
  EXPECT_GE(r.wire.resets, r.disturbances / 4);
}

TEST_P(OverAnyRing, TroubleInRealTimeLosesNoFrame) {
  ReplayOptions o = real_time();
  o.disturb = milliseconds(20);
  o.wire = wire();
  const ReplayResult r = run(o);
  expect_sound(r);
  EXPECT_GT(r.disturbances, 200U);
  // How many depends on when the threads have their turn; on the virtual clock above they are counted.
  EXPECT_GT(r.wire.resets, 0U);
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

TEST_F(ReplayWireTest, TroubleOfTheDirectTransportLosesNoFrame) {
  for (const double speed : {0.0, 20.0}) {
    ReplayOptions o = real_time();
    o.speed = speed;
    o.disturb = milliseconds(20);
    const ReplayResult r = run(o);
    expect_sound(r);
    EXPECT_GT(r.disturbances, 200U);
  }
}

TEST_F(ReplayWireTest, TroubleIsTheSameEachTimeOnTheTracesClock) {
  ReplayOptions o = options();
  o.disturb = milliseconds(70);
  o.wire = wire_of(TransportKind::VirtioPacked);
  const ReplayResult first = run(o), second = run(o);
  expect_same(first, second);
  EXPECT_EQ(first.wire.to_device, second.wire.to_device);
}

TEST_F(ReplayWireTest, ARequestIsNoLongerThanItsQueue) {
  ReplayOptions o = options();
  for (const int length : {1, 2, 3, 5, 8}) {
    const auto size = static_cast<std::uint16_t>(length);
    o.wire = wire_of(TransportKind::VirtioPacked, true, size % 2 == 0);
    o.wire.queue_size = size;
    const ReplayResult r = run(o);
    expect_sound(r);
    EXPECT_GE(r.requests * size, r.entries) << size;
    EXPECT_LT(r.end_resident_mib, r.end_used_mib * 1.05) << size;
  }
}

TEST_F(ReplayWireTest, WhatTheDeviceSaysThatItZeroedIsZero) {
  for (const TransportKind transport : {TransportKind::VirtioSplit, TransportKind::VirtioPacked}) {
    ReplayOptions o = options();
    o.backing = BackingKind::Memfd;
    o.verify = true;
    o.wire = wire_of(transport);
    o.wire.init_reported = true;
    expect_sound(run(o));
    o.speed = 20;
    o.disturb = milliseconds(20);
    expect_sound(run(o));
  }
}

TEST_F(ReplayWireTest, WiresThatCannotBeAreErrors) {
  const auto error_of = [&](std::uint16_t size, std::uint32_t in_flight) {
    ReplayOptions o = options();
    o.wire = wire_of(TransportKind::VirtioSplit);
    o.wire.queue_size = size;
    o.wire.in_flight = in_flight;
    std::string error;
    EXPECT_FALSE(replay(o, nullptr, &error));
    return error;
  };
  EXPECT_EQ(error_of(0, 1), "a queue of 0 descriptors: it must be from 1 to 32768");
  EXPECT_EQ(error_of(100, 1), "a split queue of 100 descriptors: it must be a power of two");
  EXPECT_EQ(error_of(16, 0), "0 requests in flight: it must be from 1 to the queue's size, 16");
  EXPECT_EQ(error_of(16, 17), "17 requests in flight: it must be from 1 to the queue's size, 16");
}

}  // namespace
}  // namespace fallow::replay
