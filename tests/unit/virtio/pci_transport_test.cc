// The transport over PCI (virtio 1.2, 4.1), in front of a model of a function that is Fallow's balloon
// device.
#include "fallow/virtio/transport/pci_transport.h"

#include <gtest/gtest.h>

#include "tests/support/balloon_workday.h"
#include "tests/support/register_guest.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kReporting = 4;

// ---- The whole life of a device, on each kind of ring and of interrupt. ----

struct Wiring {
  Features rings;
  std::uint16_t vectors;  // 0: INTx
  bool prompt;
};

class PciBalloon : public ::testing::TestWithParam<Wiring> {};

TEST_P(PciBalloon, LivesThroughAWorkday) {
  PciGuest guest(everything(GetParam().rings), GetParam().vectors);
  guest.interrupts.prompt = GetParam().prompt;
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  EXPECT_EQ(guest.transport->type(), kDeviceBalloon);
  EXPECT_EQ(guest.transport->use_msix(PciGuest::kConfig, PciGuest::kQueues),
            GetParam().vectors != 0 ? Status::Ok : Status::NotFound);
  live_through_a_workday(guest, (GetParam().rings & kFeatureRingReset) != 0);
}

INSTANTIATE_TEST_SUITE_P(Wirings, PciBalloon,
                         ::testing::Values(Wiring{0, 0, true}, Wiring{0, 2, true}, Wiring{0, 1, true},
                                           Wiring{kRingFeatures, 0, true}, Wiring{kRingFeatures, 0, false},
                                           Wiring{kRingFeatures, 2, true}, Wiring{kRingFeatures, 3, false},
                                           Wiring{kFeatureEventIdx | kFeatureIndirectDesc, 0, false},
                                           Wiring{kFeatureRingPacked, 1, false}));

// ---- Discovery (4.1.2). ----

TEST(PciDeviceType, OfModernAndTransitionalIdentifiers) {
  EXPECT_EQ(pci_device_type(0x1af4, 0x1045), kDeviceBalloon);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1002), kDeviceBalloon);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1041), kDeviceNetwork);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1000), kDeviceNetwork);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1001), kDeviceBlock);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1003), kDeviceConsole);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1004), kDeviceScsi);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1005), kDeviceEntropy);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1009), kDevice9p);
  EXPECT_EQ(pci_device_type(0x1af4, 0x107f), 0x3fu);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1006), kDeviceNone);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1040), kDeviceNone);
  EXPECT_EQ(pci_device_type(0x1af4, 0x1080), kDeviceNone);
  EXPECT_EQ(pci_device_type(0x8086, 0x1045), kDeviceNone);
  EXPECT_EQ(pci_device_type(0xffff, 0xffff), kDeviceNone);
}

TEST(PciOpen, TakesTransitionalDevicesAndAnyRevision) {
  PciGuest guest;
  guest.model->put16(kPciDevice, 0x1002);
  guest.model->space[0x08] = 7;
  EXPECT_EQ(guest.transport->open(), Unusable::No);
  EXPECT_EQ(guest.transport->type(), kDeviceBalloon);
}

TEST(PciOpen, LeavesOthersAlone) {
  PciGuest guest;
  guest.model->put16(kPciVendor, 0x8086);
  EXPECT_EQ(guest.transport->open(), Unusable::NotVirtio);
  EXPECT_EQ(guest.model->get16(kPciCommand), 0);
}

// Everything that firmware left enabled is disabled before the reset, and bus mastering is enabled after it.
TEST(PciOpen, BeginsFromReset) {
  PciGuest guest({}, 2);
  guest.model->put16(kPciCommand, kPciCommandMaster | kPciCommandNoIntx);
  guest.model->put16(PciModel::kMsixCap + 2, 0xc001);
  bool mastered_early = false;
  guest.model->lie = [&](std::uint64_t) {
    mastered_early |= guest.model->masters_bus();
    return std::nullopt;
  };
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  EXPECT_FALSE(mastered_early);
  EXPECT_TRUE(guest.model->masters_bus());
  EXPECT_EQ(guest.model->get16(kPciCommand) & kPciCommandNoIntx, 0);
  EXPECT_FALSE(guest.model->msix_enabled());
}

// ---- MSI-X (4.1.5.1.2). ----

TEST(PciMsix, ADeviceThatGivesNoVectorGoesOnByLine) {
  for (const std::uint16_t given : {std::uint16_t{0}, std::uint16_t{1}}) {
    PciGuest guest(everything(kRingFeatures), 2);
    guest.model->vectors_to_give = given;
    ASSERT_EQ(guest.transport->open(), Unusable::No);
    EXPECT_EQ(guest.transport->use_msix(PciGuest::kConfig, PciGuest::kQueues), Status::Failed);
    EXPECT_FALSE(guest.model->msix_enabled());
    live_through_a_workday(guest, true);
  }
}

TEST(PciMsix, AQueueWithoutItsVectorDoesNotStart) {
  PciGuest guest(everything(0), 2);
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  ASSERT_EQ(guest.transport->use_msix(PciGuest::kConfig, PciGuest::kQueues), Status::Ok);
  guest.model->vectors_to_give = 1;
  EXPECT_EQ(guest.pair->driver.probe(), Status::Failed);
}

TEST(PciMsix, TableThatCannotBeMapped) {
  PciGuest guest({}, 2);
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  for (const std::uint32_t place : {0u | 7u, 0u | 6u, 0u | 0u, 0u | 2u, 0x1000u | 1u, 0xff8u | 1u}) {
    guest.model->put32(PciModel::kMsixCap + 4, place);
    EXPECT_EQ(guest.transport->use_msix(PciGuest::kConfig, PciGuest::kQueues), Status::Failed) << place;
    EXPECT_FALSE(guest.model->msix_enabled());
  }
}

TEST(PciMsix, TheFirstTwoOfManyVectorsAreUsed) {
  PciGuest guest(everything(0), 0x7ff);
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  EXPECT_EQ(guest.transport->use_msix(PciGuest::kConfig, PciGuest::kQueues), Status::Ok);
  ASSERT_EQ(guest.pair->driver.probe(), Status::Ok);
  std::vector<std::uint32_t> sent;
  guest.model->message = [&](const MsiMessage& message) { sent.push_back(message.data); };
  guest.model->config_changed();
  guest.model->queue_used(kReporting);
  EXPECT_EQ(sent, (std::vector<std::uint32_t>{PciGuest::kConfig.data, PciGuest::kQueues.data}));
}

// ---- Registers. ----

TEST(PciRegisters, ConfigurationIsReadByTheWidestAlignedAccesses) {
  PciGuest guest;
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  guest.pair->set_target({0x1122'3344});
  std::array<std::byte, 4> whole{}, piece{};
  guest.transport->read_config(kBalloonNumPages, whole);
  EXPECT_EQ(whole[0], std::byte{0x44});
  EXPECT_EQ(whole[3], std::byte{0x11});
  guest.transport->read_config(kBalloonNumPages + 1, std::span(piece).first(3));
  EXPECT_EQ(piece[0], std::byte{0x33});
  EXPECT_EQ(piece[2], std::byte{0x11});
  std::array<std::byte, 7> many{};
  guest.transport->read_config(kBalloonNumPages + 1, many);
  EXPECT_EQ(many[2], std::byte{0x11});
  expect_no_rule_broken(guest);
}

TEST(PciRegisters, WithoutConfigurationThereAreZeros) {
  PciGuest guest;
  guest.model->space[PciModel::kDeviceCap + 3] = 77;  // a reserved type
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  std::array<std::byte, 4> bytes;
  bytes.fill(std::byte{0x5a});
  guest.transport->read_config(0, bytes);
  EXPECT_EQ(bytes[0], std::byte{0});
  guest.transport->write_config(0, bytes);
  guest.transport->read_config(~std::uint32_t{0} - 1, bytes);
  EXPECT_EQ(bytes[3], std::byte{0});
}

// 2.6.1: a device whose structure ends before queue_reset cannot reset a queue.
TEST(PciRegisters, AShortStructureOffersNoQueueReset) {
  PciGuest guest(everything(kRingFeatures));
  guest.model->put32(PciModel::kCommonCap + 12, kPciCommonSize);
  ASSERT_EQ(guest.transport->open(), Unusable::No);
  EXPECT_EQ(guest.transport->offered() & kFeatureRingReset, 0u);
  live_through_a_workday(guest, false);
}

}  // namespace
}  // namespace fallow::detail
