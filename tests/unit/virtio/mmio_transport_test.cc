// The transport over MMIO (virtio 1.2, 4.2), in front of a model of a slot that contains Fallow's balloon
// device.
#include "fallow/virtio/transport/mmio_transport.h"

#include <gtest/gtest.h>

#include "tests/support/balloon_workday.h"
#include "tests/unit/virtio/hostile_registers.h"

namespace fallow::detail {
namespace {

constexpr std::uint64_t kInterruptStatus = 0x060;

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
  EXPECT_EQ(guest.transport->acknowledge(), 0) << "the interrupt is from another device on the line";
  guest.model->queue_used(0);
  guest.model->odd_causes = 0xffff'fff0;
  EXPECT_EQ(guest.transport->acknowledge(), kCauseQueues);
  guest.model->config_changed();
  EXPECT_EQ(guest.transport->acknowledge(), kCauseConfig);
  EXPECT_EQ(guest.transport->acknowledge(), 0);
  expect_no_rule_broken(guest);
}

// ---- Registers that hold invalid values. ----

using HostileMmio = HostileRegisters<MmioKind>;

TEST_F(HostileMmio, QueueSizesOutOfRange) {
  lie(MmioKind::kQueueSize, ~std::uint32_t{0});
  EXPECT_EQ(guest.transport->max_queue_size(0), 0x8000);
  EXPECT_EQ(guest.transport->max_queue_size(MmioTransport::kMaxQueues), 0);
}

TEST_F(HostileMmio, InterruptsOfNothing) {
  ASSERT_EQ(probe(), Status::Ok);
  lie(kInterruptStatus, 0);
  for (int i = 0; i < 1000; ++i) {
    guest.model->queue_used(0);
    guest.transport->deliver(0xff);
  }
  pair.run_due();
  pair.expect_whole();
}

}  // namespace
}  // namespace fallow::detail
