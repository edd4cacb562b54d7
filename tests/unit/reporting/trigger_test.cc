// R3 trigger.
#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

// A zone with its lower 256 MiB in use and its upper 256 MiB reported, and the worker at rest.
class R3Trigger : public ::testing::Test {
 protected:
  void start(HwmPolicy& policy) {
    rig_ = std::make_unique<Rig>(mebibytes(512));
    device_ = std::make_unique<TestDevice>(rig_->port);
    rig_->box().fill();
    rig_->box().free_blocks({mebibytes(256).raw}, kOrder10, 64, 1024);
    rig_->register_device(*device_, policy);
    rig_->run_due();
    ASSERT_EQ(rig_->box().stats().reported, mebibytes(256));
    ASSERT_FALSE(flagged());
    device_->batches.clear();
  }
  void TearDown() override {
    if (rig_ != nullptr) rig_->unregister_device(*device_);
  }
  bool flagged() { return rig_->reporter().reporting_requested(0); }
  void free_one(Pfn pfn, Order order) { rig_->box().free_blocks(pfn, order, 1, 1); }

  std::unique_ptr<Rig> rig_;
  std::unique_ptr<TestDevice> device_;
};

// Frees blocks of `order` that do not merge, `step` frames apart.
class R3Threshold : public R3Trigger, public ::testing::WithParamInterface<unsigned> {};

TEST_P(R3Threshold, ThirtyOneUnreportedBlocksDoNothingAndTheNextFlags) {
  const Order order{static_cast<std::uint8_t>(GetParam())};
  HwmPolicy policy(order);
  start(policy);
  const std::uint64_t step = frames(order).raw * 2;
  const std::uint64_t wakeups = rig_->port.wakeups();
  for (std::uint64_t i = 0; i < 31; ++i) free_one(Pfn{i * step}, order);
  EXPECT_FALSE(flagged());
  EXPECT_EQ(rig_->port.wakeups(), wakeups) << "the worker was scheduled below the threshold";
  rig_->pass_time(seconds(60));
  EXPECT_TRUE(device_->batches.empty());

  free_one(Pfn{31 * step}, order);
  EXPECT_TRUE(flagged());
  EXPECT_EQ(rig_->port.wakeups(), wakeups + 1);
  EXPECT_EQ(rig_->port.last_wakeup(), rig_->port.now());
  rig_->run_due();
  EXPECT_EQ(device_->frames_shown().size(), 32 * frames(order).raw);
  device_->expect_batches_well_formed(order);
  EXPECT_FALSE(flagged());
}

INSTANTIATE_TEST_SUITE_P(Orders, R3Threshold, ::testing::Values(0, 1, 2, 3, 5, 6, 8, 9, 10));

TEST_F(R3Trigger, OnlyBlocksThatAreNotReportedCount) {
  HwmPolicy policy;
  start(policy);
  rig_->box().free_blocks({0}, kOrder9, 32, 1024);
  rig_->run_due();
  EXPECT_EQ(device_->frames_shown().size(), 32u * 512);
  rig_->box().free_blocks({32 * 1024}, kOrder9, 31, 1024);
  rig_->run_due();
  EXPECT_FALSE(flagged());
  EXPECT_EQ(device_->frames_shown().size(), 32u * 512);
  free_one(Pfn{63 * 1024}, kOrder9);
  rig_->run_due();
  EXPECT_EQ(device_->frames_shown().size(), 64u * 512);
  device_->expect_shown_once();
}

TEST_F(R3Trigger, FreeAreasAreCountedSeparately) {
  HwmPolicy policy;
  start(policy);
  rig_->box().free_blocks({0}, kOrder9, 31, 1024);
  rig_->box().free_blocks({32 * 1024}, kOrder10, 31, 1024);
  rig_->pass_time(seconds(60));
  EXPECT_TRUE(device_->batches.empty());
  EXPECT_FALSE(flagged());
  // The second half of a block completes a block of the next order: 30 and 32.
  free_one(Pfn{512}, kOrder9);
  rig_->run_due();
  EXPECT_EQ(device_->frames_shown().size(), 32u * 1024) << "only the area that is at its threshold";
  EXPECT_FALSE(flagged());
}

TEST_F(R3Trigger, LowFreeAreasAreCountedSeparately) {
  HwmPolicy policy(Order{3});
  start(policy);
  rig_->box().free_blocks({0}, Order{3}, 31, 16);
  rig_->box().free_blocks({512 * 10}, Order{4}, 31, 32);
  rig_->box().free_blocks({512 * 20}, Order{7}, 31, 256);
  rig_->pass_time(seconds(60));
  EXPECT_TRUE(device_->batches.empty());
  EXPECT_FALSE(flagged());
  free_one(Pfn{512 * 60}, Order{4});
  rig_->run_due();
  EXPECT_EQ(device_->frames_shown().size(), 32u * 16);
}

TEST_F(R3Trigger, WhatIsBelowTheReportingOrderNeverCounts) {
  HwmPolicy policy(Order{4});
  start(policy);
  const std::uint64_t wakeups = rig_->port.wakeups();
  rig_->box().free_blocks({0}, Order{3}, 2000, 16);
  EXPECT_FALSE(flagged());
  EXPECT_EQ(rig_->port.wakeups(), wakeups);
  rig_->pass_time(seconds(60));
  EXPECT_TRUE(device_->batches.empty());
}

TEST_F(R3Trigger, AThresholdOfOneFlagsAtOnce) {
  HwmPolicy policy(kOrder9, 1);
  start(policy);
  free_one(Pfn{512 * 7}, kOrder9);
  EXPECT_TRUE(flagged());
  rig_->run_due();
  EXPECT_EQ(device_->frames_shown().size(), 512u);
}

// Frames are freed one by one, in any order: the last one completes the block.
TEST_F(R3Trigger, ABlockCountsOnceItsLastFrameIsFree) {
  HwmPolicy policy(kOrder9, 1);
  start(policy);
  for (std::uint64_t i = 0; i < 512; ++i) {
    EXPECT_FALSE(flagged());
    free_one(Pfn{i * 173 % 512}, Order{0});
  }
  EXPECT_TRUE(flagged());
  rig_->run_due();
  EXPECT_EQ(device_->frames_shown().size(), 512u);
}

// Frames that were freed and allocated again do not bring the area nearer to its threshold.
TEST_F(R3Trigger, AllocatingAgainTakesBack) {
  HwmPolicy policy;
  start(policy);
  for (int i = 0; i < 1000; ++i) {
    free_one(Pfn{0}, kOrder9);
    ASSERT_TRUE(rig_->cache().allocate(kOrder9).ok());
  }
  rig_->run_due();
  EXPECT_TRUE(device_->batches.empty());
  EXPECT_FALSE(flagged());
  // And nothing was lost.
  rig_->box().free_blocks({0}, kOrder9, 32, 1024);
  rig_->run_due();
  EXPECT_EQ(device_->frames_shown().size(), 32u * 512);
}

TEST(R3NoDevice, NothingIsFlaggedNorScheduled) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port);
  HwmPolicy policy;
  for (const bool registered_before : {false, true}) {
    if (registered_before) {
      rig.register_device(device, policy);
      rig.run_due();
      rig.unregister_device(device);
    }
    const std::uint64_t wakeups = rig.port.wakeups();
    rig.box().fill();
    rig.box().free_blocks({0}, kOrder9, 128, 512);
    EXPECT_EQ(rig.port.wakeups(), wakeups);
    EXPECT_FALSE(rig.reporter().reporting_requested(0));
  }
}

TEST(R3Zones, OnlyTheZoneAtItsThresholdIsFlagged) {
  Rig rig(mebibytes(256), 3);
  TestDevice device(rig.port);
  HwmPolicy policy;
  for (std::size_t i = 0; i < 3; ++i) rig.box(i).fill();
  rig.register_device(device, policy);
  rig.run_due();
  rig.box(1).free_blocks(Pfn{Rig::kGap}, kOrder9, 32, 1024);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  EXPECT_TRUE(rig.reporter().reporting_requested(1));
  EXPECT_FALSE(rig.reporter().reporting_requested(2));
  rig.run_due();
  EXPECT_EQ(device.frames_shown().size(), 32u * 512);
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow::detail
