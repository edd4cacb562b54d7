// R7 return, R8 reported frames.
#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

TEST(R7Return, ReportedIfTheReportSucceeded) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port);
  HwmPolicy policy;
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_EQ(rig.box().stats().free, mebibytes(512));
  EXPECT_EQ(rig.box().stats().reported, mebibytes(512));
  EXPECT_EQ(free_area(rig.zone(), kOrder10).nr_free, 128u);
  EXPECT_EQ(free_area(rig.zone(), kOrder10).nr_reported, 128u);
  rig.unregister_device(device);
}

TEST(R7Return, NotReportedIfItFailedWhateverTheReason) {
  for (const Status why :
       {Status::Failed, Status::NoMemory, Status::InvalidArgument, Status::Busy, static_cast<Status>(200)}) {
    Rig rig(mebibytes(512));
    TestDevice device(rig.port);
    HwmPolicy policy;
    device.answer = [=](Scatterlist, std::uint32_t) { return why; };
    rig.register_device(device, policy);
    rig.run_due();
    EXPECT_EQ(device.batches.size(), 1u) << "a pass ends with the first failure";
    EXPECT_EQ(rig.box().stats().free, mebibytes(512));
    EXPECT_EQ(rig.box().stats().reported.raw, 0u);
    EXPECT_EQ(rig.box().stats().isolated.raw, 0u);
    EXPECT_EQ(free_area(rig.zone(), kOrder10).nr_free, 128u);
    rig.box().check();
    rig.unregister_device(device);
  }
}

// Frames return to the free area from which they came, at each order, whether the device took them or not.
TEST(R7Return, EachFreeAreaIsAsItWas) {
  for (const bool ok : {true, false}) {
    Rig rig(mebibytes(256));
    rig.box().fill();
    for (std::uint8_t o = 0; o <= 9; ++o) {
      rig.box().free_blocks({o * 4096U}, Order{o}, 3, frames(Order{o}).raw * 2);
    }
    FreeArea before[11];
    for (std::uint8_t o = 0; o <= 10; ++o) before[o] = free_area(rig.zone(), Order{o});
    TestDevice device(rig.port, 3);
    HwmPolicy policy(Order{0}, 1);
    device.answer = [=](Scatterlist, std::uint32_t) { return ok ? Status::Ok : Status::Failed; };
    rig.register_device(device, policy);
    rig.run_due();
    for (std::uint8_t o = 0; o <= 10; ++o) {
      EXPECT_EQ(free_area(rig.zone(), Order{o}).nr_free, before[o].nr_free) << int{o};
      EXPECT_EQ(free_area(rig.zone(), Order{o}).nr_reported, ok ? before[o].nr_free : 0) << int{o};
    }
    rig.unregister_device(device);
  }
}

TEST(R7Retry, BacksOffOnATimerUpToTenSeconds) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port);
  HwmPolicy policy;
  device.answer = [](Scatterlist, std::uint32_t) { return Status::Failed; };
  rig.register_device(device, policy);
  rig.pass_time(seconds(60));
  std::vector<std::uint64_t> waits;
  for (std::size_t i = 1; i < device.batches.size(); ++i) {
    waits.push_back((device.batches[i].at - device.batches[i - 1].at).raw / 1'000'000);
  }
  EXPECT_EQ(waits,
            (std::vector<std::uint64_t>{100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000, 10000, 10000}));
  EXPECT_EQ(rig.reporter().stats().failures, device.batches.size());
  rig.unregister_device(device);
}

TEST(R7Retry, ASuccessEndsTheBackOff) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port, 8);
  HwmPolicy policy;
  // Fails 3 times, takes one request, then fails twice.
  device.answer = [&](Scatterlist, std::uint32_t) {
    const std::size_t n = device.batches.size();
    return n <= 3 || n == 5 || n == 6 ? Status::Failed : Status::Ok;
  };
  rig.register_device(device, policy);
  rig.pass_time(seconds(60));
  const auto at = [&](std::size_t i) { return device.batches[i].at.raw / 1'000'000; };
  const std::uint64_t when[] = {0, 100, 300, 700, 700, 800, 1000};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(at(i), when[i]) << i;
  EXPECT_EQ(rig.box().stats().reported, mebibytes(512));
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  rig.unregister_device(device);
}

TEST(R7Retry, AFreeDoesNotCutTheBackOffShort) {
  Rig rig(mebibytes(512), 1, 2);
  rig.box().fill();
  rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  TestDevice device(rig.port);
  HwmPolicy policy(kOrder9, 1);
  device.answer = [](Scatterlist, std::uint32_t) { return Status::Failed; };
  rig.register_device(device, policy);
  rig.run_due();
  for (std::uint64_t i = 0; i < 64; ++i) {
    rig.box().free_blocks({i * 512}, kOrder9, 1, 1);
    rig.pass_time(milliseconds(1));
  }
  EXPECT_EQ(device.batches.size(), 1u);
  rig.pass_time(milliseconds(36));
  EXPECT_EQ(device.batches.size(), 2u);
  rig.unregister_device(device);
}

// Frames that a failed pass left are retried although they are below the threshold by now.
TEST(R7Retry, WhatIsBelowTheThresholdByNowIsTriedAgainToo) {
  Rig rig(mebibytes(512));
  rig.box().fill();
  rig.box().free_blocks({0}, kOrder9, 40, 1024);
  rig.box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
  TestDevice device(rig.port, 32);
  HwmPolicy policy;
  device.answer = [&](Scatterlist, std::uint32_t) {
    return device.batches.size() == 2 ? Status::Failed : Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_LT(rig.box().stats().reported, rig.box().stats().free);
  rig.pass_time(milliseconds(100));
  EXPECT_EQ(rig.box().stats().reported, rig.box().stats().free);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  rig.unregister_device(device);
}

// The device answers Pending and fails the request later: this causes no busy loop either.
TEST(R7Retry, AFailedCompletionBacksOffToo) {
  Rig rig(mebibytes(512));
  TestDevice device(rig.port, 32, 2);
  HwmPolicy policy(kOrder9, 1);
  device.answer = [&](Scatterlist, std::uint32_t token) {
    EXPECT_EQ(rig.reporter().complete(token, Status::Failed), Status::Ok);
    return device.batches.size() < 10000 ? Status::Pending : Status::Failed;
  };
  rig.register_device(device, policy);
  rig.pass_time(milliseconds(99));
  const std::size_t first_pass = device.batches.size();
  EXPECT_LT(first_pass, 100u);
  rig.pass_time(seconds(10));
  EXPECT_LT(device.batches.size(), 12 * first_pass);
  EXPECT_GT(device.batches.size(), first_pass);
  rig.unregister_device(device);
}

TEST(R7Retry, OneZonesFailureDoesNotHoldUpAnother) {
  Rig rig(mebibytes(256), 2);
  TestDevice device(rig.port);
  HwmPolicy policy;
  device.answer = [](Scatterlist list, std::uint32_t) {
    return list.front().first.raw < Rig::kGap ? Status::Failed : Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_EQ(rig.box(0).stats().reported.raw, 0u);
  EXPECT_EQ(rig.box(1).stats().reported, mebibytes(256));
  rig.unregister_device(device);
}

// Every frame of the zone is reported.
class R8Reported : public ::testing::Test {
 protected:
  void SetUp() override {
    rig_.register_device(device_, policy_);
    rig_.run_due();
    ASSERT_EQ(rig_.box().stats().reported, mebibytes(64));
    device_.batches.clear();
  }
  void TearDown() override { rig_.unregister_device(device_); }

  Rig rig_{mebibytes(64)};
  TestDevice device_{rig_.port};
  HwmPolicy policy_{Order{0}, 1};
};

TEST_F(R8Reported, GoesFrameByFrame) {
  const Allocation a = rig_.cache().allocate();
  ASSERT_TRUE(a.ok());
  rig_.cache().drain();
  EXPECT_EQ(rig_.box().stats().reported.raw, mebibytes(64).raw - 1);
  EXPECT_EQ(rig_.box().stats().refaults.raw, 1u);
  ASSERT_EQ(rig_.cache().free(a.pfn), Status::Ok);
  rig_.cache().drain();
  rig_.run_due();
  ASSERT_EQ(device_.batches.size(), 1u);
  EXPECT_EQ(device_.frames_shown(), std::vector<std::uint64_t>{a.pfn.raw});
  EXPECT_EQ(rig_.box().stats().reported, mebibytes(64));
}

TEST_F(R8Reported, SplittingLeavesTheRestReportedAtEachOrder) {
  std::uint64_t taken = 0;
  std::vector<std::pair<Pfn, Order>> got;
  for (std::uint8_t o = 0; o <= 10; ++o) {
    const Allocation a = rig_.cache().allocate(Order{o});
    ASSERT_TRUE(a.ok());
    got.emplace_back(a.pfn, Order{o});
    taken += frames(Order{o}).raw;
    rig_.cache().drain();
    EXPECT_EQ(rig_.box().stats().reported.raw, mebibytes(64).raw - taken) << int{o};
    rig_.box().check();
  }
  for (const auto& [pfn, order] : got) ASSERT_EQ(rig_.cache().free(pfn, order), Status::Ok);
  rig_.cache().drain();
  rig_.run_due();
  EXPECT_EQ(device_.frames_shown().size(), taken);
  device_.expect_shown_once();
}

// If a block was reported, then used and freed in part, only the used part is reported again.
TEST_F(R8Reported, AFrameNobodyTouchedIsNeverReportedAgain) {
  for (int round = 0; round < 50; ++round) {
    device_.batches.clear();
    std::vector<Pfn> got;
    for (int i = 0; i < 37; ++i) got.push_back(rig_.cache().allocate().pfn);
    std::vector<std::uint64_t> touched;
    for (std::size_t i = 0; i < got.size(); ++i) touched.push_back(got[i].raw);
    std::sort(touched.begin(), touched.end());
    for (const Pfn p : got) ASSERT_EQ(rig_.cache().free(p), Status::Ok);
    rig_.cache().drain();
    rig_.run_due();
    ASSERT_EQ(device_.frames_shown(), touched);
  }
}

// Frames in a cache's hand have left their block. They return still reported if no caller received them.
TEST_F(R8Reported, TheHandKeepsReportBits) {
  for (int i = 0; i < 10; ++i) {
    const Allocation a = rig_.cache().allocate();
    ASSERT_EQ(rig_.cache().free(a.pfn), Status::Ok);
    rig_.cache().drain();
  }
  rig_.run_due();
  EXPECT_LE(device_.frames_shown().size(), 10u);
  EXPECT_EQ(rig_.box().stats().reported, mebibytes(64));
}

TEST_F(R8Reported, PlacementTakesWhatIsNotReportedFirst) {
  std::vector<Pfn> got;
  for (int i = 0; i < 8; ++i) got.push_back(rig_.cache().allocate(kOrder9).pfn);
  EXPECT_EQ(rig_.box().stats().refaults.raw, 8u * 512);
  rig_.box().free_blocks(got[5], kOrder9, 1, 1);  // unreported: the worker has not run
  EXPECT_EQ(rig_.cache().allocate(kOrder9).pfn, got[5]);
  EXPECT_EQ(rig_.box().stats().refaults.raw, 8u * 512);
}

}  // namespace
}  // namespace fallow::detail
