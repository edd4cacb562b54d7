// Functions whose capabilities and registers hold invalid values. The transport refuses them with a reason,
// or drives them as far as possible; it never hangs and accesses nothing outside a structure.
#include <gtest/gtest.h>

#include "tests/support/balloon_workday.h"
#include "tests/unit/virtio/hostile_registers.h"

namespace fallow::detail {
namespace {

// ---- The capability list (4.1.4). ----

class HostileCapabilities : public ::testing::Test {
 public:
  Unusable open() { return guest.transport->open(); }
  PciGuest guest{everything(kRingFeatures)};
  PciModel& model = *guest.model;
};

TEST_F(HostileCapabilities, ALoopEndsTheList) {
  model.space[PciModel::kNotifyCap + 1] = PciModel::kCommonCap;
  EXPECT_EQ(open(), Unusable::No) << "all required structures precede the loop";
  model.space[PciModel::kIsrCap + 1] = PciModel::kIsrCap;
  EXPECT_EQ(open(), Unusable::NoNotifications);
  model.space[PciModel::kCommonCap + 1] = PciModel::kCommonCap;
  EXPECT_EQ(open(), Unusable::NoNotifications) << "the reason is the first missing structure";
}

TEST_F(HostileCapabilities, AListThatIsNot) {
  for (const int first : {0x00, 0x3c, 0x04, 0xfc, 0xff}) {
    model.space[kPciFirstCapability] = static_cast<std::uint8_t>(first);
    EXPECT_EQ(open(), Unusable::Legacy) << first;
  }
  model.space[kPciFirstCapability] = PciModel::kCommonCap;
  model.put16(kPciStatus, 0);
  EXPECT_EQ(open(), Unusable::Legacy);
}

// The two lowest bits of a pointer are reserved.
TEST_F(HostileCapabilities, PointersAreMasked) {
  model.space[kPciFirstCapability] |= 3;
  model.space[PciModel::kCommonCap + 1] |= 2;
  EXPECT_EQ(open(), Unusable::No);
}

TEST_F(HostileCapabilities, ACapabilityBeyondTheEnd) {
  model.put_structure(0xf0, PciModel::kIsrCap, 1, PciModel::kCommon, 0x1000);
  model.space[kPciFirstCapability] = 0xf0;
  EXPECT_EQ(open(), Unusable::No) << "this is the last offset at which a capability fits";
  for (const unsigned at : {0xf4u, 0xf8u, 0xfcu}) {
    const std::uint8_t head[] = {0x09, PciModel::kIsrCap, 16, 1};
    std::memcpy(&model.space[at], head, sizeof head);
    model.space[kPciFirstCapability] = static_cast<std::uint8_t>(at);
    EXPECT_EQ(open(), Unusable::BadCapability) << at;
  }
}

TEST_F(HostileCapabilities, MissingStructures) {
  model.space[PciModel::kCommonCap] = 0x05;  // another capability
  EXPECT_EQ(open(), Unusable::NoCommonConfig);
  model.space[PciModel::kCommonCap] = 0x09;
  model.space[PciModel::kIsrCap + 3] = 6;  // a reserved type, which the specification tells drivers to ignore
  EXPECT_EQ(open(), Unusable::NoInterruptStatus);
  model.space[PciModel::kNotifyCap + 3] = 0;
  EXPECT_EQ(open(), Unusable::NoNotifications);
}

TEST_F(HostileCapabilities, ReservedBarsAreIgnored) {
  for (const int bar : {6, 7, 255}) {
    model.space[PciModel::kCommonCap + 4] = static_cast<std::uint8_t>(bar);
    EXPECT_EQ(open(), Unusable::NoCommonConfig) << bar;
  }
}

TEST_F(HostileCapabilities, BarsThatDoNotDo) {
  model.space[PciModel::kCommonCap + 4] = 0;
  EXPECT_EQ(open(), Unusable::InIoSpace);
  model.space[PciModel::kCommonCap + 4] = 2;
  EXPECT_EQ(open(), Unusable::BeyondBar) << "the function has no such BAR";
  model.space[PciModel::kCommonCap + 4] = 5;
  EXPECT_EQ(open(), Unusable::BeyondBar) << "the BAR is the upper half of another";
}

TEST_F(HostileCapabilities, MisalignedStructures) {
  model.put32(PciModel::kCommonCap + 8, PciModel::kCommon + 2);
  EXPECT_EQ(open(), Unusable::BadCapability);
  model.put32(PciModel::kCommonCap + 8, PciModel::kCommon);
  model.put32(PciModel::kNotifyCap + 8, PciModel::kNotify + 1);
  EXPECT_EQ(open(), Unusable::BadCapability);
}

TEST_F(HostileCapabilities, StructuresThatLeaveTheirBar) {
  constexpr std::uint32_t kSize = PciModel::kBarSize;
  for (const std::uint32_t offset : {kSize - 56, kSize - 4, kSize, kSize + 4, 0xffff'fffc}) {
    model.put32(PciModel::kCommonCap + 8, offset);
    EXPECT_EQ(open(), Unusable::BeyondBar) << offset;
  }
  model.put32(PciModel::kCommonCap + 8, PciModel::kCommon);
  model.put32(PciModel::kNotifyCap + 12, 0xffff'ffff);
  EXPECT_EQ(open(), Unusable::BeyondBar);
}

// 4.1.4.1: of an unexpectedly large structure, the transport uses the part that it needs.
TEST_F(HostileCapabilities, LengthsThatAreTooLargeDoNoHarm) {
  model.put32(PciModel::kCommonCap + 12, 0xffff'ffff);
  model.put32(PciModel::kIsrCap + 12, 0xffff'ffff);
  model.put32(PciModel::kDeviceCap + 12, 0xffff'ffff);
  for (const std::uint8_t at :
       {PciModel::kCommonCap, PciModel::kIsrCap, PciModel::kDeviceCap, PciModel::kNotifyCap})
    model.space[at + 2U] = 255;
  ASSERT_EQ(open(), Unusable::No);
  live_through_a_workday(guest, true);
}

TEST_F(HostileCapabilities, LengthsThatAreTooSmall) {
  model.put32(PciModel::kCommonCap + 12, kPciCommonSize - 1);
  EXPECT_EQ(open(), Unusable::BadCapability);
  model.put32(PciModel::kCommonCap + 12, kPciCommonSize);
  model.space[PciModel::kCommonCap + 2] = 15;  // cap_len
  EXPECT_EQ(open(), Unusable::BadCapability);
  model.space[PciModel::kCommonCap + 2] = 16;
  model.space[PciModel::kNotifyCap + 2] = 16;  // no room for the multiplier
  EXPECT_EQ(open(), Unusable::BadCapability);
  model.space[PciModel::kNotifyCap + 2] = 20;
  model.put32(PciModel::kNotifyCap + 12, 1);
  EXPECT_EQ(open(), Unusable::BadCapability);
  model.put32(PciModel::kNotifyCap + 12, 0x1000);
  model.put32(PciModel::kIsrCap + 12, 0);
  EXPECT_EQ(open(), Unusable::BadCapability);
}

// The transport uses the first usable structure of each type.
TEST_F(HostileCapabilities, ASecondChance) {
  model.put_structure(0xb0, PciModel::kCommonCap, 1, PciModel::kCommon, 0x1000);
  model.space[0xb0 + 4] = 0;  // in I/O ports, preferred by the device
  model.put_structure(0xc0, 0xb0, 2, PciModel::kNotify, 1, 20);
  model.space[kPciFirstCapability] = 0xc0;
  ASSERT_EQ(open(), Unusable::No);
  live_through_a_workday(guest, true);
}

TEST_F(HostileCapabilities, TheFirstReasonIsGiven) {
  model.put_structure(0xb0, PciModel::kCommonCap, 1, PciModel::kCommon, 0x1000);
  model.space[0xb0 + 4] = 0;  // in I/O ports
  model.space[PciModel::kCommonCap + 2] = 8;
  model.space[kPciFirstCapability] = 0xb0;
  EXPECT_EQ(open(), Unusable::InIoSpace);
}

TEST_F(HostileCapabilities, TheFirstOfTwoIsUsed) {
  model.put_structure(0xb0, 0, 1, PciModel::kDevice, 0x1000);
  model.space[PciModel::kAccessCap + 1] = 0xb0;
  ASSERT_EQ(open(), Unusable::No);
  live_through_a_workday(guest, true);
}

TEST_F(HostileCapabilities, AKernelThatCannotMap) {
  model.maps = false;
  EXPECT_EQ(open(), Unusable::NotMapped);
  model.maps = true;
  model.put32(kPciFirstBar + 16, 0xc);
  model.put32(kPciFirstBar + 20, 0);
  EXPECT_EQ(open(), Unusable::NotMapped) << "the BAR has no address";
}

TEST_F(HostileCapabilities, EveryReasonHasItsSentence) {
  for (unsigned why = 0; why <= static_cast<unsigned>(Unusable::DoesNotReset); ++why) {
    const std::string said = describe(static_cast<Unusable>(why));
    EXPECT_FALSE(said.empty());
    EXPECT_NE(said, "unknown reason");
  }
}

// ---- BARs. ----

TEST(PciBars, AreRead) {
  PciGuest guest;
  PciModel& model = *guest.model;
  model.put16(kPciCommand, kPciCommandMemory);
  const PciBar wide = read_pci_bar(model, 4);
  EXPECT_EQ(wide.kind, PciBar::Kind::Memory);
  EXPECT_TRUE(wide.wide);
  EXPECT_EQ(wide.address, PciModel::kBarAddress);
  EXPECT_EQ(wide.size, PciModel::kBarSize);
  const PciBar io = read_pci_bar(model, 0);
  EXPECT_EQ(io.kind, PciBar::Kind::Io);
  EXPECT_EQ(io.address, 0xc000u);
  EXPECT_EQ(io.size, 0x20u);
  const PciBar narrow = read_pci_bar(model, 1);
  EXPECT_EQ(narrow.address, 0xfebd'0000u);
  EXPECT_EQ(narrow.size, 0x1000u);
  EXPECT_FALSE(narrow.wide);
  for (const int none : {2, 3, 5, 6, 255})
    EXPECT_EQ(read_pci_bar(model, static_cast<std::uint8_t>(none)).kind, PciBar::Kind::None);
  EXPECT_EQ(model.get16(kPciCommand), kPciCommandMemory) << "reading changed the command register";
  EXPECT_EQ(read_pci_bar(model, 4).address, PciModel::kBarAddress) << "reading changed the BAR";
  EXPECT_TRUE(model.broken_rules.empty());
}

TEST(PciBars, Parts) {
  const PciBar bar{PciBar::Kind::Memory, 0x1000, 0x100, false};
  EXPECT_EQ(bar.check(0, 0x100), PciMapStatus::Ok);
  EXPECT_EQ(bar.check(0xff, 1), PciMapStatus::Ok);
  EXPECT_EQ(bar.check(0, 0x101), PciMapStatus::BeyondEnd);
  EXPECT_EQ(bar.check(0x101, 0), PciMapStatus::BeyondEnd);
  EXPECT_EQ(bar.check(0x80, ~std::uint64_t{0}), PciMapStatus::BeyondEnd);
  EXPECT_EQ(PciBar{}.check(0, 0), PciMapStatus::NoSuchBar);
  EXPECT_EQ((PciBar{PciBar::Kind::Io, 0x1000, 0x100, false}.check(0, 1)), PciMapStatus::IoSpace);
}

// ---- Registers. ----

using HostilePci = HostileRegisters<PciKind>;

// The other expectations for a status that never clears are those of HostileRegisters.
TEST_F(HostilePci, AFunctionThatDoesNotResetIsNotABusMaster) {
  lie(kPciDeviceStatus, kStatusAcknowledge);
  EXPECT_EQ(guest.transport->open(), Unusable::DoesNotReset);
  EXPECT_FALSE(guest.model->masters_bus());
}

TEST_F(HostilePci, FewerQueuesThanTheFeaturesNeed) {
  for (const std::uint32_t count : {0u, 1u, 4u}) {
    lie(kPciNumQueues, count);
    EXPECT_EQ(probe(), Status::Failed) << count;
  }
}

TEST_F(HostilePci, MoreQueuesThanThereAre) {
  lie(kPciNumQueues, 0xffff);
  ASSERT_EQ(probe(), Status::Ok);
  EXPECT_EQ(guest.transport->max_queue_size(5), 0);
  EXPECT_EQ(guest.transport->max_queue_size(PciTransport::kMaxQueues), 0);
}

// The device would use a size that the driver did not choose.
TEST_F(HostilePci, AQueueSizeThatDoesNotStick) {
  lie(kPciQueueSize, 0xffff);
  EXPECT_EQ(probe(), Status::Failed);
}

TEST_F(HostilePci, NotificationsOutsideTheirStructure) {
  for (const std::uint32_t off : {0x400u, 0x1000u, 0xffffu}) {
    lie(kPciQueueNotifyOff, off);
    EXPECT_EQ(probe(), Status::Failed) << off;
  }
}

TEST(HostileNotifications, MultipliersWithoutSense) {
  for (const std::uint32_t multiplier : {1u, 3u, 0x1000u, 0x8000'0000u, 0xffff'ffffu}) {
    PciGuest guest(everything(0));
    guest.model->put32(PciModel::kNotifyCap + 16, multiplier);
    ASSERT_EQ(guest.transport->open(), Unusable::No);
    EXPECT_EQ(guest.pair->driver.probe(), Status::Failed) << multiplier;
    EXPECT_EQ(guest.model->notifications, 0u);
  }
}

TEST_F(HostilePci, AQueueThatIsStillEnabledAfterItsReset) {
  ASSERT_EQ(probe(), Status::Ok);
  lie(kPciQueueEnable, 1);
  EXPECT_EQ(guest.transport->reset_queue(4), Status::Failed);
}

TEST_F(HostilePci, InterruptsOfNothing) {
  ASSERT_EQ(probe(), Status::Ok);
  for (int i = 0; i < 1000; ++i) {
    guest.model->queue_used(0);
    guest.model->config_changed();
    EXPECT_EQ(guest.transport->acknowledge(), 0);
    guest.transport->deliver(0xff);
  }
  pair.run_due();
  pair.expect_whole();
  expect_no_rule_broken(guest);
}

}  // namespace
}  // namespace fallow::detail
