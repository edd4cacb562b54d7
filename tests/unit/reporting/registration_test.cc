// R1 register, R2 existing pages count.
#include "tests/support/rig.h"

namespace fallow::detail {
namespace {

// Checks that a registration had no effect: no memory taken, no flag, no wakeup request, nothing reported.
void expect_unchanged(Rig& rig, std::uint64_t allocations_before, std::uint64_t wakeups_before) {
  EXPECT_EQ(rig.port.live_allocations(), allocations_before);
  EXPECT_EQ(rig.port.wakeups(), wakeups_before);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  EXPECT_EQ(rig.reporter().run(), kNever);
  EXPECT_EQ(rig.box().stats().reported.raw, 0u);
}

TEST(R1Register, TheDefaultPolicyIsAged) {
  std::vector<Nanoseconds> times[2];
  for (const bool by_default : {false, true}) {
    Rig rig(mebibytes(64));
    TestDevice device(rig.port);
    AgedPolicy policy;
    ASSERT_EQ(
        by_default ? rig.reporter().register_device(device) : rig.reporter().register_device(device, policy),
        Status::Ok);
    const Pfn frame = rig.cache().allocate(kOrder9).pfn;
    rig.pass_time(seconds(1));
    ASSERT_EQ(rig.cache().free(frame, kOrder9), Status::Ok);
    rig.cache().drain();
    rig.pass_time(seconds(1));
    device.expect_batches_well_formed(kOrder9);
    for (const Batch& batch : device.batches) times[by_default ? 1 : 0].push_back(batch.at);
    EXPECT_EQ(rig.reporter().unregister_device(device), Status::Ok);
  }
  EXPECT_GE(times[0].size(), 2U);
  EXPECT_EQ(times[0], times[1]);
}

TEST(R1Register, TakesMemoryForTheListAndGivesItBack) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port, 7, 3);
  HwmPolicy policy;
  const ByteCount before = rig.port.live_bytes();
  rig.register_device(device, policy);
  EXPECT_GE(rig.port.live_bytes().raw - before.raw, 7 * 3 * sizeof(ScatterEntry));
  rig.unregister_device(device);
  EXPECT_EQ(rig.port.live_bytes(), before);
}

TEST(R1Register, StartsReporting) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port);
  HwmPolicy policy;
  rig.register_device(device, policy);
  EXPECT_TRUE(rig.reporter().reporting_requested(0));
  EXPECT_EQ(rig.port.next_deadline(), rig.port.now());
  rig.unregister_device(device);
}

TEST(R1Register, BusyWhenADeviceIsRegisteredAndTheFirstGoesOn) {
  Rig rig(mebibytes(256));
  TestDevice first(rig.port, 3), second(rig.port, 5);
  HwmPolicy policy;
  rig.register_device(first, policy);
  const ByteCount before = rig.port.live_bytes();
  EXPECT_EQ(rig.reporter().register_device(second, policy), Status::Busy);
  EXPECT_EQ(rig.reporter().register_device(first, policy), Status::Busy);
  EXPECT_EQ(rig.port.live_bytes(), before);
  EXPECT_EQ(rig.reporter().unregister_device(second), Status::NotFound);
  rig.run_due();
  EXPECT_TRUE(second.batches.empty());
  EXPECT_EQ(first.frames_shown().size(), mebibytes(256).raw);
  first.expect_batches_well_formed(kOrder9);
  rig.unregister_device(first);
}

TEST(R1Register, BusyEvenForADeviceThatIsNoGood) {
  Rig rig(mebibytes(64));
  TestDevice first(rig.port), none(rig.port, 0);
  HwmPolicy policy;
  rig.register_device(first, policy);
  const Status status = rig.reporter().register_device(none, policy);
  EXPECT_TRUE(status == Status::Busy || status == Status::InvalidArgument);
  rig.unregister_device(first);
}

TEST(R1Register, InvalidArgumentChangesNothing) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port), no_capacity(rig.port, 0), no_depth(rig.port, 1, 0);
  HwmPolicy policy, order_11(Order{11}), order_255(Order{255}), no_threshold(kOrder9, 0);
  LinuxPolicy linux_11(Order{11});
  AgedPolicy aged_11(Order{11}), no_age(kOrder9, {0}), too_old(kOrder9, AgedPolicy::kMaxAge + Nanoseconds{1});
  struct {
    ReportingDevice* device;
    Policy* policy;
  } const refused[] = {
      {&no_capacity, &policy}, {&no_depth, &policy},     {&device, &order_11},
      {&device, &order_255},   {&device, &no_threshold}, {&device, &linux_11},
      {&device, &aged_11},     {&device, &no_age},       {&device, &too_old},
  };
  const std::uint64_t live = rig.port.live_allocations();
  for (const auto& attempt : refused) {
    EXPECT_EQ(rig.reporter().register_device(*attempt.device, *attempt.policy), Status::InvalidArgument);
    expect_unchanged(rig, live, 0);
  }
  rig.register_device(device, policy);
  rig.unregister_device(device);
}

TEST(R1Register, NoMemoryChangesNothing) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port);
  HwmPolicy policy;
  const std::uint64_t live = rig.port.live_allocations();
  for (std::uint64_t i = 1; i <= 2; ++i) {
    rig.port.fail_allocation_at(i);
    EXPECT_EQ(rig.reporter().register_device(device, policy), Status::NoMemory);
    expect_unchanged(rig, live, 0);
    EXPECT_EQ(rig.reporter().unregister_device(device), Status::NotFound);
  }
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_EQ(device.frames_shown().size(), mebibytes(256).raw);
  rig.unregister_device(device);
}

TEST(R1Register, MoreRequestsThanTokensCanTellApartAreInvalid) {
  Rig rig(mebibytes(64));
  TestDevice device(rig.port, ~std::uint32_t{0}, ~std::uint32_t{0});
  HwmPolicy policy;
  const std::uint64_t live = rig.port.live_allocations();
  EXPECT_EQ(rig.reporter().register_device(device, policy), Status::InvalidArgument);
  expect_unchanged(rig, live, 0);
}

TEST(R1Register, FromInsideReportIsBusy) {
  Rig rig(mebibytes(256));
  TestDevice device(rig.port), other(rig.port);
  HwmPolicy policy;
  int asked = 0;
  device.answer = [&](Scatterlist, std::uint32_t) {
    ++asked;
    EXPECT_EQ(rig.reporter().register_device(other, policy), Status::Busy);
    return Status::Ok;
  };
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_GT(asked, 0);
  rig.unregister_device(device);
}

TEST(R2ExistingPages, AreReportedWithoutAFurtherFree) {
  for (const int which : {0, 1, 2}) {
    Rig rig(mebibytes(512));
    TestDevice device(rig.port);
    HwmPolicy hwm;
    LinuxPolicy linux_policy;
    AgedPolicy aged;
    Policy* const policies[] = {&hwm, &linux_policy, &aged};
    rig.register_device(device, *policies[which]);
    rig.pass_time(seconds(120));
    EXPECT_EQ(device.frames_shown().size(), mebibytes(512).raw) << which;
    device.expect_shown_once();
    device.expect_batches_well_formed(kOrder9);
    EXPECT_EQ(rig.box().stats().reported, mebibytes(512));
    EXPECT_FALSE(rig.reporter().reporting_requested(0));
    rig.unregister_device(device);
  }
}

TEST(R2ExistingPages, InEveryZone) {
  Rig rig(mebibytes(128), 5);
  TestDevice device(rig.port);
  HwmPolicy policy(Order{0}, 1);
  rig.register_device(device, policy);
  rig.run_due();
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(rig.box(i).stats().reported, mebibytes(128)) << i;
  rig.unregister_device(device);
}

// The frees happened while no device was registered, in every way in which a frame can be freed.
TEST(R2ExistingPages, FreedBeforeRegistrationInPartsAndWhole) {
  Rig rig(mebibytes(128));
  rig.box().fill();
  rig.box().free_blocks({0}, Order{0}, 100, 2);
  rig.box().free_blocks({512}, Order{3}, 20, 16);
  rig.box().free_blocks({1024}, Order{8}, 1, 1);
  rig.box().free_blocks({2048}, kOrder10, 3, 1024);
  const PfnCount free = rig.box().stats().free;
  TestDevice device(rig.port);
  HwmPolicy policy(Order{0}, 1);
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_EQ(device.frames_shown().size(), free.raw);
  rig.unregister_device(device);
}

// The threshold applies only to frames that become free later.
TEST(R2ExistingPages, BelowTheThresholdToo) {
  Rig rig(mebibytes(256));
  rig.box().fill();
  rig.box().free_blocks({0}, kOrder9, 31, 1024);
  TestDevice device(rig.port);
  HwmPolicy policy;
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_EQ(device.frames_shown().size(), 31u * 512);
  EXPECT_FALSE(rig.reporter().reporting_requested(0));
  rig.box().free_blocks({32 * 1024}, kOrder9, 16, 1024);
  rig.run_due();
  EXPECT_EQ(device.frames_shown().size(), 31u * 512);
  rig.unregister_device(device);
}

// Everything that is left is reported once the zone has enough free frames.
TEST(R2ExistingPages, BelowTheLowWatermarkLater) {
  Rig rig(mebibytes(256));
  rig.box().fill();
  rig.box().free_blocks({0}, kOrder9, 2, 1024);
  TestDevice device(rig.port);
  HwmPolicy policy;
  rig.register_device(device, policy);
  rig.run_due();
  EXPECT_TRUE(device.batches.empty());
  rig.box().free_blocks({32 * 1024}, kOrder9, 8, 1024);
  rig.pass_time(milliseconds(100));
  EXPECT_EQ(device.frames_shown().size(), 10u * 512);
  rig.unregister_device(device);
}

}  // namespace
}  // namespace fallow::detail
