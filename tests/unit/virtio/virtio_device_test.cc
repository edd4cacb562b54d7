#include "fallow/virtio/device/virtio_device.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/support/mock_driver.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

constexpr std::uint8_t kAck = kStatusAcknowledge, kDriver = kStatusDriver, kFeat = kStatusFeaturesOk,
                       kOk = kStatusDriverOk;
constexpr Features kOdd = feature(0), kOptional = feature(1), kRefused = feature(2);
constexpr std::uint16_t kEcho = 0, kKeep = 1, kMaybe = 2;

// Queue 0 answers at once, queue 1 keeps its chain, and queue 2 exists only with kOptional.
class Toy final : public VirtioDevice {
 public:
  static constexpr std::uint16_t kQueues = 3, kSize = 16;

  Toy(const GuestMemory& memory, DriverNotifier& notifier)
      : VirtioDevice(memory, notifier, kOdd | kOptional | kRefused | kFeatureVersion1 | kRingFeatures,
                     kQueues, kSize, rooms_) {}

  using VirtioDevice::ask_for_reset;
  using VirtioDevice::change_config;
  void answer(std::uint32_t written) { give_back(kKeep, kept.id, kept.slots, written); }

  Chain kept;
  std::uint64_t served = 0, stopped = 0, resets = 0;
  std::array<std::byte, 8> fields{};

 private:
  bool has_queue(std::uint16_t queue) const noexcept override { return queue != kMaybe || has(kOptional); }
  bool serve(std::uint16_t queue, const Chain& chain, std::uint32_t& written) noexcept override {
    ++served;
    written = static_cast<std::uint32_t>(chain.buffers.size());
    if (queue == kKeep) kept = chain;
    return queue != kKeep;
  }
  std::uint32_t config_size() const noexcept override { return 8; }
  void read_config_field(std::uint32_t offset, std::span<std::byte> into) noexcept override {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = fields[offset + i];
  }
  bool write_config_field(std::uint32_t offset, std::span<const std::byte> from) noexcept override {
    if (offset < 4) return false;
    for (std::size_t i = 0; i < from.size(); ++i) fields[offset + i] = from[i];
    return true;
  }
  bool acceptable(Features features) const noexcept override { return (features & kRefused) == 0; }
  void queue_stopped(std::uint16_t) noexcept override { ++stopped; }
  void device_reset() noexcept override { ++resets; }

  std::array<QueueBuffer, std::size_t{kQueues} * kSize> rooms_;
};

class Device : public ::testing::Test {
 protected:
  GuestBox box{0x10000};
  CountingNotifier notifier;
  Toy device{box.map(), notifier};
  MockDriver driver{device, box.map(), box.base()};
  QueueBuffer page{box.base() + ByteCount{0xf000}, 64, true};
};

using HostileDevice = Device;

// ---- 2.1, 3.1.1: the handshake ----

TEST_F(Device, StatusBitsAreTakenInOrder) {
  for (const std::uint8_t step : {kAck, kDriver, kFeat, kOk}) {
    if (step == kFeat) device.accept(kFeatureVersion1);
    device.set_status(device.status() | step);
    EXPECT_NE(device.status() & step, 0);
  }
  EXPECT_EQ(device.mistakes().status, 0u);
}

TEST_F(Device, StatusBitsOutOfOrderAreIgnoredAndCounted) {
  device.set_status(kDriver);
  EXPECT_EQ(device.status(), 0);
  device.set_status(kAck | kFeat | kOk);
  EXPECT_EQ(device.status(), kAck);
  device.set_status(kAck | 16);
  EXPECT_EQ(device.status(), kAck) << "the status has no such bit";
  EXPECT_EQ(device.mistakes().status, 3u);
}

TEST_F(Device, ABitIsNotClearedByTheDriver) {
  device.set_status(kAck | kDriver);
  device.set_status(kAck);
  EXPECT_EQ(device.status(), kAck | kDriver);
  EXPECT_EQ(device.mistakes().status, 1u);
}

TEST_F(Device, ATransportWithoutAStatusSetsAllBitsAtOnce) {
  device.accept(kFeatureVersion1);
  device.set_status(kAck | kDriver | kFeat | kOk);
  EXPECT_EQ(device.status(), kAck | kDriver | kFeat | kOk);
}

TEST_F(Device, FeaturesThatDoNotStick) {
  struct Case {
    Features features;
    const char* why;
  };
  for (const Case c : {Case{0, "no VERSION_1"}, Case{kFeatureVersion1 | feature(9), "not offered"},
                       Case{kFeatureVersion1 | kRefused, "refused by this kind of device"}}) {
    device.set_status(0);
    device.set_status(kAck | kDriver);
    device.accept(c.features);
    device.set_status(kAck | kDriver | kFeat | kOk);
    EXPECT_EQ(device.status(), kAck | kDriver) << c.why;
  }
  EXPECT_EQ(device.mistakes().features, 3u);
  EXPECT_EQ(device.mistakes().status, 0u);
}

TEST_F(Device, FeaturesStayAsTheyAreAfterFeaturesOk) {
  ASSERT_TRUE(driver.negotiate(kOdd));
  device.accept(kFeatureVersion1 | kOptional);
  EXPECT_EQ(device.accepted(), kFeatureVersion1 | kOdd);
  EXPECT_EQ(device.mistakes().features, 1u);
}

TEST_F(Device, ResetForgetsFeaturesAndQueues) {
  driver.bring_up(kOptional);
  EXPECT_TRUE(device.started(kMaybe));
  device.set_status(0);
  EXPECT_EQ(device.status(), 0);
  EXPECT_EQ(device.accepted(), 0u);
  EXPECT_EQ(device.stopped, 3u);
  EXPECT_EQ(device.resets, 1u + 1u) << "one reset is from the driver's bring_up()";
  for (std::uint16_t queue = 0; queue < 3; ++queue) EXPECT_FALSE(device.started(queue));
  driver.bring_up(0);
  EXPECT_EQ(driver.exchange(kEcho, {page}), 1u) << "the device works as after its creation";
}

TEST_F(Device, NeedsResetIsTheDevicesOwn) {
  device.set_status(kAck | kStatusNeedsReset);
  EXPECT_EQ(device.status(), kAck);
  driver.bring_up(0);
  device.ask_for_reset();
  device.ask_for_reset();
  EXPECT_EQ(notifier.config, 1u) << "2.1.2: the driver is notified once";
  device.set_status(kAck | kDriver | kFeat | kOk | kStatusFailed);
  EXPECT_EQ(device.status(), kAck | kDriver | kFeat | kOk | kStatusFailed | kStatusNeedsReset);
  EXPECT_EQ(device.mistakes().status, 0u) << "a driver that clears no bit of the device makes no mistake";
}

TEST_F(Device, NeedsResetBeforeDriverOkIsToldToNobody) {
  ASSERT_TRUE(driver.negotiate(0));
  device.ask_for_reset();
  EXPECT_EQ(notifier.config, 0u);
}

// ---- 2.5: configuration ----

TEST_F(Device, ConfigReadsBeyondTheEndAreZero) {
  device.fields.fill(std::byte{0xaa});
  std::array<std::byte, 4> into;
  into.fill(std::byte{1});
  device.read_config(6, into);
  EXPECT_EQ(into[1], std::byte{0xaa});
  EXPECT_EQ(into[2], std::byte{0});
  for (const std::uint32_t offset : {8u, 0xffff'ffffu, 0xffff'fffdu}) {
    into.fill(std::byte{1});
    device.read_config(offset, into);
    EXPECT_EQ(into, (std::array<std::byte, 4>{}));
  }
  EXPECT_EQ(device.mistakes().config, 4u);
}

TEST_F(HostileDevice, Case28_ConfigWritesOutOfRange) {
  const std::vector<std::byte> much(300, std::byte{0xbb});
  const std::span<const std::byte> bytes(much);
  device.write_config(4, {});                        // no bytes
  device.write_config(6, bytes.first(4));            // across the end
  device.write_config(8, bytes.first(1));            // begins at the end
  device.write_config(0, bytes);                     // longer than the configuration
  device.write_config(0xffff'fffe, bytes.first(4));  // the sum wraps
  device.write_config(2, bytes.first(4));            // a field that is read-only
  EXPECT_EQ(device.fields, (std::array<std::byte, 8>{}));
  EXPECT_EQ(device.mistakes().config, 6u);
  device.write_config(4, bytes.first(4));
  EXPECT_EQ(device.fields[7], std::byte{0xbb});
  EXPECT_EQ(device.mistakes().config, 6u);
}

TEST_F(Device, AChangeOfTheConfigurationStepsTheGeneration) {
  const std::uint32_t before = device.config_generation();
  device.change_config();
  EXPECT_NE(device.config_generation(), before);
  EXPECT_EQ(notifier.config, 0u) << "no driver is present yet";
  driver.bring_up(0);
  device.change_config();
  EXPECT_EQ(notifier.config, 1u);
}

// ---- queues ----

TEST_F(Device, AQueueIsSetUpOnceAndAfterFeaturesOk) {
  device.set_status(kAck | kDriver);
  device.accept(kFeatureVersion1);
  EXPECT_EQ(driver.set_up(kEcho), Status::InvalidArgument) << "the features are not negotiated yet";
  device.set_status(kAck | kDriver | kFeat);
  EXPECT_EQ(driver.set_up(kEcho), Status::Ok);
  EXPECT_EQ(driver.set_up(kEcho), Status::Busy);
  EXPECT_EQ(driver.set_up(kMaybe), Status::InvalidArgument) << "the feature of the queue was not accepted";
  EXPECT_EQ(device.start_queue(Toy::kQueues, {}), Status::InvalidArgument);
  EXPECT_EQ(device.start_queue(0xffff, {}), Status::InvalidArgument);
  EXPECT_EQ(device.mistakes().queues, 5u);
}

TEST_F(HostileDevice, Case32_QueuesSetUpWrongly) {
  ASSERT_TRUE(driver.negotiate(0));
  const GuestPhys base = box.base();
  const auto at = [&](std::uint16_t size, std::uint64_t table, std::uint64_t avail, std::uint64_t used) {
    return QueueAddresses{size, base + ByteCount{table}, base + ByteCount{avail}, base + ByteCount{used}};
  };
  const QueueAddresses good = at(8, 0, 0x1000, 0x2000);
  for (const QueueAddresses& bad :
       {at(0, 0, 0x1000, 0x2000), at(7, 0, 0x1000, 0x2000), at(32, 0, 0x1000, 0x2000),
        at(0x8000, 0, 0x1000, 0x2000), at(8, 8, 0x1000, 0x2000), at(8, 0, 0x1001, 0x2000),
        at(8, 0, 0x1000, 0x2002), at(8, 0xfff0, 0x1000, 0x2000), at(8, 0, 0x1000, 0x7fff'0000)}) {
    EXPECT_EQ(device.start_queue(kEcho, bad), Status::InvalidArgument);
    EXPECT_FALSE(device.started(kEcho));
  }
  EXPECT_EQ(device.start_queue(kEcho, good), Status::Ok);
  EXPECT_EQ(device.mistakes().queues, 9u);
}

TEST_F(HostileDevice, Case26_KicksThatNobodyWaitsFor) {
  EXPECT_FALSE(device.process(kEcho, 1));
  driver.bring_up(0);
  for (const std::uint16_t queue : {kMaybe, Toy::kQueues, std::uint16_t{0xffff}})
    EXPECT_FALSE(device.process(queue, 1));
  EXPECT_EQ(device.mistakes().kicks, 4u);
  EXPECT_EQ(driver.exchange(kEcho, {page}), 1u) << "the other queues continue";
}

TEST_F(HostileDevice, Case26_KickBeforeDriverOkIsServedAfterIt) {
  ASSERT_TRUE(driver.negotiate(0));
  ASSERT_EQ(driver.set_up(kEcho), Status::Ok);
  driver.add(kEcho, {page});
  driver.kick(kEcho);
  EXPECT_EQ(device.served, 0u);
  EXPECT_EQ(notifier.used, 0u);
  driver.finish();
  driver.kick(kEcho);
  EXPECT_TRUE(driver.take(kEcho).has_value());
}

TEST_F(HostileDevice, Case14_IndexThatJumpedStopsTheDeviceUntilReset) {
  driver.bring_up(0);
  const QueueAddresses at = driver.queue(kEcho).addresses();
  AvailRing(box.at(at.driver_area), at.size).idx().store(17);
  driver.kick(kEcho);
  EXPECT_EQ(device.served, 0u);
  EXPECT_EQ(device.mistakes().rings, 1u);
  EXPECT_EQ(device.mistakes().last_ring_fault, RingFault::IndexJumped);
  EXPECT_NE(device.status() & kStatusNeedsReset, 0);
  EXPECT_EQ(notifier.config, 1u);
  driver.kick(kEcho);
  EXPECT_EQ(device.mistakes().rings, 1u) << "one fault is counted once";
  driver.bring_up(0);
  EXPECT_EQ(driver.exchange(kEcho, {page}), 1u);
}

TEST_F(HostileDevice, Case35_KickStormDoesNoMoreThanTheBudget) {
  driver.bring_up(0);
  for (int i = 0; i < 16; ++i) driver.add(kEcho, {page});
  EXPECT_TRUE(device.process(kEcho, 5));
  EXPECT_EQ(device.served, 5u);
  EXPECT_TRUE(device.process(kEcho, 11)) << "the device has not checked yet whether the queue is empty";
  EXPECT_FALSE(device.process(kEcho, 1));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(device.process(kEcho, 64));
  EXPECT_EQ(device.served, 16u);
  EXPECT_EQ(notifier.used, 2u);
}

TEST_F(HostileDevice, ResetWhileAChainIsKept) {
  driver.bring_up(0);
  driver.add(kKeep, {page});
  driver.kick(kKeep);
  device.set_status(0);
  device.answer(1);
  EXPECT_EQ(notifier.used, 0u) << "a chain in flight is not used after a reset (2.4.2)";
  driver.bring_up(0);
  EXPECT_FALSE(driver.take(kKeep).has_value());
}

TEST_F(Device, AKeptChainIsGivenBackLater) {
  driver.bring_up(0);
  driver.add(kKeep, {page}, 77);
  driver.kick(kKeep);
  EXPECT_FALSE(driver.take(kKeep).has_value());
  device.answer(3);
  const std::optional<Used> used = driver.take(kKeep);
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->token, 77u);
  EXPECT_EQ(used->length, 3u);
  EXPECT_EQ(notifier.last_queue, kKeep);
}

TEST_F(Device, AStoppedQueueContinuesWhereItWas) {
  for (const Features ring : {Features{0}, kFeatureRingPacked}) {
    driver.bring_up(ring);
    EXPECT_EQ(driver.exchange(kEcho, {page}), 1u);
    const QueueAddresses at = driver.queue(kEcho).addresses();
    const QueuePosition position = device.stop_queue(kEcho);
    driver.add(kEcho, {page});
    driver.kick(kEcho);
    EXPECT_FALSE(driver.take(kEcho).has_value());
    ASSERT_EQ(device.start_queue(kEcho, at, position), Status::Ok);
    driver.kick(kEcho);
    EXPECT_TRUE(driver.take(kEcho).has_value());
  }
}

TEST_F(Device, ChainsAndDescriptorsAreCounted) {
  for (const Features ring : {Features{0}, kFeatureRingPacked, kRingFeatures}) {
    const std::uint64_t chains = device.chains(), descriptors = device.descriptors();
    driver.bring_up(ring);
    EXPECT_EQ(driver.exchange(kEcho, {page, page, page}), 3u);
    EXPECT_EQ(device.chains() - chains, 1u);
    EXPECT_EQ(device.descriptors() - descriptors, 3u);
  }
}

TEST_F(Device, ABatchIsNotifiedOnce) {
  for (const Features ring :
       {Features{0}, kFeatureEventIdx, kFeatureRingPacked, kFeatureRingPacked | kFeatureEventIdx}) {
    driver.bring_up(ring);
    static_cast<void>(driver.queue(kEcho).ask_for_notifications(true));
    const std::uint64_t before = notifier.used;
    for (int i = 0; i < 4; ++i) driver.add(kEcho, {page});
    driver.kick(kEcho);
    EXPECT_EQ(notifier.used - before, 1u);
  }
}

TEST_F(Device, ADriverIsAskedToKickWhenTheQueueIsEmpty) {
  driver.bring_up(0);
  const QueueAddresses at = driver.queue(kEcho).addresses();
  UsedRing used(box.at(at.device_area), at.size);
  for (int i = 0; i < 3; ++i) driver.add(kEcho, {page});
  EXPECT_TRUE(device.process(kEcho, 2));
  EXPECT_EQ(used.flags().load(), kUsedNoNotify) << "the device knows of another chain and needs no kick";
  EXPECT_FALSE(device.process(kEcho, 2));
  EXPECT_EQ(used.flags().load(), 0u);
}

}  // namespace
}  // namespace fallow::detail
