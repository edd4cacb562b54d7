// R9 unregister, R10 resume.
#include <atomic>
#include <thread>

#include "fallow/host/hosted_port.h"
#include "fallow/zone/detail/isolation.h"
#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

TEST(R9Unregister, NotFoundForWhoeverIsNotRegistered) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port), other(rig.port);
  HwmPolicy policy;
  EXPECT_EQ(rig.reporter().unregister_device(device), Status::NotFound);
  rig.register_device(device, policy);
  EXPECT_EQ(rig.reporter().unregister_device(other), Status::NotFound);
  rig.unregister_device(device);
  EXPECT_EQ(rig.reporter().unregister_device(device), Status::NotFound);
}

TEST(R9Unregister, LeavesNeitherFlagNorMemoryNorReport) {
  Rig rig(mebibytes(256), 3);
  const std::uint64_t live = rig.port.live_allocations();
  TestDevice device(rig.port, 8);
  HwmPolicy policy;
  device.answer = [&](Scatterlist, std::uint32_t) {
    return device.batches.size() > 4 ? Status::Failed : Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();  // leaves flags set, a back-off running
  rig.unregister_device(device);
  EXPECT_EQ(rig.port.live_allocations(), live);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(rig.reporter().reporting_requested(i));
  const std::size_t reports = device.batches.size();
  for (std::size_t i = 0; i < 3; ++i) {
    rig.box(i).fill();
    rig.box(i).free_blocks({i * Rig::kGap}, kOrder10, 64, 1024);
    EXPECT_FALSE(rig.reporter().reporting_requested(i));
  }
  rig.pass_time(seconds(60));
  EXPECT_EQ(rig.reporter().run(), kNever);
  EXPECT_EQ(device.batches.size(), reports);
}

TEST(R9Unregister, DeadlockFromInsideReport) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port), other(rig.port);
  HwmPolicy policy;
  device.answer = [&](Scatterlist, std::uint32_t) {
    EXPECT_EQ(rig.reporter().unregister_device(device), Status::Deadlock);
    EXPECT_EQ(rig.reporter().unregister_device(other), Status::Deadlock);
    EXPECT_EQ(rig.reporter().forget_reported(), Status::Deadlock);
    return Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_FALSE(device.batches.empty());
  EXPECT_EQ(rig.box().stats().reported, mebibytes(256));
  rig.unregister_device(device);
}

// A report() that lasts until the test ends it.
struct SlowDevice final : ReportingDevice {
  std::uint32_t capacity() const noexcept override { return 4; }
  Status report(Scatterlist, std::uint32_t) noexcept override {
    ++reports;
    inside = true;
    while (!let_go) std::this_thread::yield();
    inside = false;
    return Status::Ok;
  }
  std::atomic<int> reports{0};
  std::atomic<bool> inside{false}, let_go{false};
};

TEST(R9Unregister, WaitsForTheRequestInFlight) {
  HostedPort port;
  ZoneBox box(port, mebibytes(256));
  Zone* const zones[] = {&box.zone()};
  Reporter reporter(port, zones);
  SlowDevice device;
  HwmPolicy policy;
  ASSERT_EQ(port.start(worker_of(reporter)), Status::Ok);
  ASSERT_EQ(reporter.register_device(device, policy), Status::Ok);
  while (!device.inside) std::this_thread::yield();
  std::atomic<bool> returned{false};
  std::thread unregisters([&] {
    EXPECT_EQ(reporter.unregister_device(device), Status::Ok);
    EXPECT_FALSE(device.inside);
    returned = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(returned);
  EXPECT_EQ(reporter.register_device(device, policy), Status::Busy)
      << "until the last device is unregistered";
  device.let_go = true;
  unregisters.join();
  EXPECT_EQ(device.reports, 1) << "no further request once unregister_device() has begun";
  EXPECT_EQ(box.stats().isolated.raw, 0u);
  port.stop();
}

TEST(R9Unregister, WaitsForWhatIsPending) {
  FakePort port;
  ZoneBox box(port, mebibytes(256));
  Zone* const zones[] = {&box.zone()};
  Reporter reporter(port, zones);
  TestDevice device(port, 4, 2);
  HwmPolicy policy;
  std::vector<std::uint32_t> tokens;
  // With both slots in use the worker waits for one; then the device is unregistered.
  device.answer = [&](Scatterlist, std::uint32_t token) {
    tokens.push_back(token);
    return Status::Pending;
  };
  ASSERT_EQ(reporter.register_device(device, policy), Status::Ok);
  std::thread worker([&] { static_cast<void>(reporter.run()); });
  while (reporter.stats().in_flight != 2) std::this_thread::yield();
  std::atomic<bool> returned{false};
  std::thread unregisters([&] {
    EXPECT_EQ(reporter.unregister_device(device), Status::Ok);
    returned = true;
  });
  worker.join();
  EXPECT_FALSE(returned);
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(reporter.complete(tokens[1], Status::Ok), Status::Ok);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(returned);
  EXPECT_EQ(reporter.complete(tokens[0], Status::Failed), Status::Ok);
  unregisters.join();
  EXPECT_EQ(reporter.complete(tokens[0], Status::Ok), Status::InvalidArgument);
  EXPECT_EQ(box.stats().isolated.raw, 0u);
}

TEST(R9Unregister, OfTwoThreadsOneFindsIt) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port);
  HwmPolicy policy;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(rig.reporter().register_device(device, policy), Status::Ok);
    std::atomic<int> ok{0}, not_found{0};
    const auto unregister = [&] {
      const Status s = rig.reporter().unregister_device(device);
      ++(s == Status::Ok ? ok : not_found);
    };
    std::thread other(unregister);
    unregister();
    other.join();
    EXPECT_EQ(ok, 1);
    EXPECT_EQ(not_found, 1);
  }
}

TEST(R10Resume, ReportedFramesSurviveForTheSameDeviceAndForAnother) {
  Rig rig(mebibytes(512));
  TestDevice first(rig.port), second(rig.port, 3);
  HwmPolicy policy, other_policy(kOrder9, 1);
  rig.register_device(first, policy);
  rig.run_due();
  rig.unregister_device(first);
  EXPECT_EQ(rig.box().stats().reported, mebibytes(512));
  first.batches.clear();
  rig.register_device(first, policy);
  rig.run_due();
  rig.unregister_device(first);
  EXPECT_TRUE(first.batches.empty());
  rig.register_device(second, other_policy);
  rig.run_due();
  rig.unregister_device(second);
  EXPECT_TRUE(second.batches.empty());
}

TEST(R10Resume, GoesOnWhereTheLastLeftOff) {
  Rig rig(mebibytes(512));
  TestDevice first(rig.port, 8), second(rig.port);
  HwmPolicy policy(kOrder9, 1);
  first.answer = [&](Scatterlist, std::uint32_t) {
    return first.batches.size() <= 2 ? Status::Ok : Status::Failed;
  };
  rig.register_device(first, policy);
  rig.run_due();
  rig.unregister_device(first);
  first.batches.pop_back();  // the failed request
  rig.register_device(second, policy);
  rig.run_due();
  EXPECT_EQ(first.frames_shown().size() + second.frames_shown().size(), mebibytes(512).raw);
  first.batches.insert(first.batches.end(), second.batches.begin(), second.batches.end());
  first.expect_shown_once();
  rig.unregister_device(second);
}

// Registers with a coarser order, a finer one, and the coarser one again: nothing is missed or reported
// twice.
TEST(R10Resume, AtAnotherOrder) {
  Rig rig(mebibytes(256));
  rig.box().fill();
  for (std::uint8_t o = 0; o <= 10; ++o) {
    rig.box().free_blocks({o * 4096U}, Order{o}, 2, frames(Order{o}).raw * 2);
  }
  TestDevice device(rig.port);
  for (const unsigned order : {10U, 9U, 9U, 4U, 7U, 0U, 10U, 0U}) {
    HwmPolicy policy(Order{static_cast<std::uint8_t>(order)}, 1);
    rig.register_device(device, policy);
    rig.run_due();
    rig.unregister_device(device);
    const UnreportedCounts left =
        count_unreported(rig.zone().tables(), Order{static_cast<std::uint8_t>(order)});
    for (unsigned o = order; o <= 10; ++o) EXPECT_EQ(left.of[o], 0u) << order << ' ' << o;
  }
  EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free);
  device.expect_shown_once();
}

// Blocks freed under a coarse device, in parts too small for it.
TEST(R10Resume, WhatACoarseDeviceLeftIsReportedToAFineOne) {
  Rig rig(mebibytes(256));
  rig.box().fill();
  TestDevice device(rig.port);
  HwmPolicy coarse(kOrder9, 1), fine(Order{0}, 1);
  rig.register_device(device, coarse);
  rig.run_due();
  rig.box().free_blocks({0}, Order{0}, 3000, 3);
  rig.box().free_blocks({10240}, Order{8}, 20, 512);
  rig.run_due();
  EXPECT_TRUE(device.batches.empty());
  rig.unregister_device(device);
  rig.register_device(device, fine);
  rig.run_due();
  EXPECT_EQ(device.frames_shown().size(), 3000u + 20 * 256);
  rig.unregister_device(device);
}

TEST(R10Forget, EverythingIsReportedAnew) {
  for (const unsigned order : {0U, 9U, 10U}) {
    for (const bool while_registered : {false, true}) {
      Rig rig(mebibytes(256));
      TestDevice device(rig.port);
      HwmPolicy policy(Order{static_cast<std::uint8_t>(order)}, 1);
      rig.register_device(device, policy);
      rig.run_due();
      if (!while_registered) rig.unregister_device(device);
      device.batches.clear();
      ASSERT_EQ(rig.reporter().forget_reported(), Status::Ok);
      EXPECT_EQ(rig.box().stats().reported.raw, 0u);
      rig.box().check();
      if (!while_registered) rig.register_device(device, policy);
      rig.run_due();
      EXPECT_EQ(device.frames_shown().size(), mebibytes(256).raw);
      device.expect_shown_once();
      rig.unregister_device(device);
    }
  }
}

// The 31 reported frames in a hand are forgotten too.
TEST(R10Forget, ReportBitsInTheHandOfACacheGoToo) {
  for (const bool hand_out : {false, true}) {
    Rig rig(mebibytes(64));
    TestDevice device(rig.port, 32, 1, Content::Zero);
    HwmPolicy policy(Order{0}, 1);
    rig.register_device(device, policy);
    rig.run_due();
    const Allocation before = rig.cache().allocate();
    EXPECT_TRUE(before.content_known);
    ASSERT_EQ(rig.reporter().forget_reported(), Status::Ok);
    if (hand_out) {
      const Allocation after = rig.cache().allocate();
      EXPECT_FALSE(after.content_known) << "the owner lost its state";
      ASSERT_EQ(rig.cache().free(after.pfn), Status::Ok);
    }
    rig.cache().drain();
    EXPECT_EQ(rig.box().stats().reported.raw, 0u);
    rig.box().check();
    ASSERT_EQ(rig.cache().free(before.pfn), Status::Ok);
    rig.cache().drain();
    device.batches.clear();
    rig.run_due();
    EXPECT_EQ(device.frames_shown().size(), mebibytes(64).raw);
    rig.unregister_device(device);
  }
}

TEST(R10Forget, WithoutADeviceOrAnythingReported) {
  Rig rig(mebibytes(64));
  EXPECT_EQ(rig.reporter().forget_reported(), Status::Ok);
  rig.box().check();
}

}  // namespace
}  // namespace fallow::detail
