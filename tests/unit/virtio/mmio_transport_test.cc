// The transport over MMIO (virtio 1.2, 4.2), in front of a model of a slot that holds a balloon of ours.
#include "fallow/virtio/transport/mmio_transport.h"

#include <gtest/gtest.h>

#include "tests/support/balloon_workday.h"
#include "tests/support/register_guest.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kReporting = 4;
constexpr std::uint64_t kQueueNumMax = 0x034, kQueueReady = 0x044, kInterruptStatus = 0x060, kStatus = 0x070,
                        kQueueReset = 0x0c0, kConfigGeneration = 0x0fc;

class MmioBalloon : public ::testing::TestWithParam<std::pair<Features, bool>> {};

TEST_P(MmioBalloon, LivesThroughAWorkday) {
  const auto [rings, prompt] = GetParam();
  MmioGuest guest(everything(rings));
  guest.interrupts.prompt = prompt;
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  EXPECT_EQ(guest.transport->type(), kDeviceBalloon);
  live_through_a_workday(guest, (rings & kFeatureRingReset) != 0);
}

INSTANTIATE_TEST_SUITE_P(Wirings, MmioBalloon,
                         ::testing::Values(std::pair{Features{0}, true}, std::pair{Features{0}, false},
                                           std::pair{kFeatureEventIdx | kFeatureIndirectDesc, true},
                                           std::pair{kFeatureRingPacked, true},
                                           std::pair{kRingFeatures, true}, std::pair{kRingFeatures, false}));

// ---- Discovery (4.2.2.2, 4.2.3.1.1). ----

TEST(MmioOpen, AnEmptySlotIsNotTouchedFurther) {
  for (const std::uint32_t version : {1u, 2u}) {
    MmioGuest guest;
    guest.model->device_id = 0;
    guest.model->version = version;
    EXPECT_EQ(guest.transport->open(), Unusable::Empty);
    EXPECT_EQ(guest.model->accesses, 3u);
  }
}

TEST(MmioOpen, WhatIsNoDeviceOfThisVersion) {
  MmioGuest guest;
  guest.model->version = 1;
  EXPECT_EQ(guest.transport->open(), Unusable::Legacy);
  for (const std::uint32_t version : {0u, 3u, ~0u}) {
    guest.model->version = version;
    EXPECT_EQ(guest.transport->open(), Unusable::UnknownVersion);
  }
  for (const std::uint32_t magic : {0u, ~0u, 0x76697274u}) {
    guest.model->magic = magic;
    EXPECT_EQ(guest.transport->open(), Unusable::NotVirtio);
  }
}

TEST(MmioOpen, AWindowThatIsTooSmallIsNotTouched) {
  MmioGuest guest({}, 0xff);
  EXPECT_EQ(guest.transport->open(), Unusable::WindowTooSmall);
  EXPECT_EQ(guest.model->accesses, 0u);
}

TEST(MmioOpen, WithoutRoomForConfigurationThereAreZeros) {
  MmioGuest guest({}, 0x100);
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  std::array<std::byte, 4> bytes;
  bytes.fill(std::byte{0x5a});
  guest.transport->read_config(0, bytes);
  EXPECT_EQ(bytes[0], std::byte{0});
  guest.transport->read_config(~std::uint32_t{0}, bytes);
  guest.transport->write_config(0, bytes);
}

// ---- Interrupts (4.2.3.4). ----

TEST(MmioInterrupts, OnlyKnownBitsAreAcknowledged) {
  MmioGuest guest(everything(0));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  guest.model->interrupt = nullptr;
  EXPECT_EQ(guest.transport->acknowledge(), 0) << "of another device on the line";
  guest.model->queue_used(0);
  guest.model->odd_causes = 0xffff'fff0;
  EXPECT_EQ(guest.transport->acknowledge(), kCauseQueues);
  guest.model->config_changed();
  EXPECT_EQ(guest.transport->acknowledge(), kCauseConfig);
  EXPECT_EQ(guest.transport->acknowledge(), 0);
  expect_no_rule_broken(guest);
}

// ---- Queues. ----

TEST(MmioQueues, AResetThatTakesItsTime) {
  MmioGuest guest(everything(kRingFeatures));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  guest.model->slow_reset = 100;
  EXPECT_EQ(guest.pair->driver.reset_reporting_queue(), Status::Ok);
  EXPECT_GE(guest.pair->rig.port.relaxes(), 100u);
  expect_no_rule_broken(guest);
}

TEST(MmioQueues, AreNotStartedTwiceNorBeyondTheirSize) {
  MmioGuest guest(everything(0));
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  guest.transport->notify(0);
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  const QueueAddresses at = guest.pair->meddler.queues[kReporting];
  EXPECT_EQ(guest.transport->start_queue(kReporting, at), Status::Failed);
  EXPECT_EQ(guest.transport->start_queue(5, at), Status::Failed) << "there is none";
  EXPECT_EQ(guest.transport->start_queue(0xffff, at), Status::Failed);
  EXPECT_EQ(guest.transport->reset_queue(0xffff), Status::Failed);
  EXPECT_EQ(guest.transport->reset_queue(kReporting), Status::Failed) << "not negotiated";
  guest.transport->notify(5);
  guest.transport->notify(0xffff);
  guest.transport->set_status(0);
  EXPECT_EQ(guest.transport->status(), 0);
  EXPECT_EQ(guest.transport->start_queue(kReporting, {512, {64}, {64}, {64}}), Status::Failed);
  EXPECT_EQ(guest.transport->start_queue(kReporting, {0, {64}, {64}, {64}}), Status::Failed);
  expect_no_rule_broken(guest);
}

// ---- Registers that hold what they may not. ----

class HostileMmio : public ::testing::Test {
 public:
  HostileMmio() { EXPECT_EQ(guest.transport->open(), Unusable::No); }
  void lie(std::uint64_t field, std::uint32_t value) {
    model.lie = [=](std::uint64_t at) { return at == field ? std::optional(value) : std::nullopt; };
  }
  Status probe() { return pair.driver.probe(); }

  MmioGuest guest{everything(kRingFeatures)};
  MmioModel& model = *guest.model;
  BalloonPair& pair = *guest.pair;
};

TEST_F(HostileMmio, AStatusThatNeverClears) {
  for (const std::uint32_t status : {1u, 0x100u, 0xffff'ff00u}) {
    lie(kStatus, status);
    EXPECT_EQ(guest.transport->open(), Unusable::DoesNotReset) << status;
    EXPECT_EQ(probe(), Status::Failed) << status;
  }
}

TEST_F(HostileMmio, ADeviceThatIsGone) {
  ASSERT_EQ(probe(), Status::Ok);
  model.lie = [](std::uint64_t) { return std::optional(~std::uint32_t{0}); };
  EXPECT_EQ(pair.driver.reset_reporting_queue(), Status::Failed);
  pair.driver.remove();
  EXPECT_EQ(probe(), Status::Failed);
  model.lie = nullptr;
  model.broken_rules.clear();
  EXPECT_EQ(probe(), Status::Ok);
}

TEST_F(HostileMmio, FeaturesThatDoNotStick) {
  model.lie = [&](std::uint64_t at) {
    return at == kStatus && (pair.device().status() & kStatusFeaturesOk) != 0
               ? std::optional<std::uint32_t>(pair.device().status() & ~kStatusFeaturesOk)
               : std::nullopt;
  };
  EXPECT_EQ(probe(), Status::Failed);
  EXPECT_NE(pair.device().status() & kStatusFailed, 0);
}

TEST_F(HostileMmio, QueueSizes) {
  lie(kQueueNumMax, 0);
  EXPECT_EQ(probe(), Status::Failed);
  lie(kQueueNumMax, ~std::uint32_t{0});
  EXPECT_EQ(guest.transport->max_queue_size(0), 0x8000);
  EXPECT_EQ(guest.transport->max_queue_size(MmioTransport::kMaxQueues), 0);
}

TEST_F(HostileMmio, QueuesThatAreReadyAlreadyOrNever) {
  for (const std::uint32_t ready : {0u, 1u}) {
    lie(kQueueReady, ready);
    EXPECT_EQ(probe(), Status::Failed);
  }
}

TEST_F(HostileMmio, AQueueResetThatNeverEnds) {
  ASSERT_EQ(probe(), Status::Ok);
  lie(kQueueReset, 1);
  EXPECT_EQ(pair.driver.reset_reporting_queue(), Status::Failed);
  model.lie = nullptr;
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.pass_time(seconds(1));  // recovers
  expect_all_reported(guest);
  pair.expect_whole();
}

TEST_F(HostileMmio, AGenerationThatKeepsChanging) {
  ASSERT_EQ(probe(), Status::Ok);
  std::uint32_t generation = 0;
  model.lie = [&](std::uint64_t at) {
    return at == kConfigGeneration ? std::optional(++generation) : std::nullopt;
  };
  pair.set_target(mebibytes(1));
  pair.run_due();
  EXPECT_EQ(pair.device().actual(), mebibytes(1));
  EXPECT_LT(generation, 200u);
}

TEST_F(HostileMmio, InterruptsOfNothing) {
  ASSERT_EQ(probe(), Status::Ok);
  lie(kInterruptStatus, 0);
  for (int i = 0; i < 1000; ++i) {
    model.queue_used(0);
    guest.transport->deliver(0xff);
  }
  pair.run_due();
  pair.expect_whole();
}

}  // namespace
}  // namespace fallow::detail
