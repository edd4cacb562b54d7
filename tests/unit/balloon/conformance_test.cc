// Rules of initialisation (virtio 1.2, 2.5, 3.1, 3.3) and of the balloon (5.5) that no other test shows, each
// under its clause.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/support/balloon_rig.h"
#include "tests/support/lying_device.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kStats = 2, kHint = 3, kReporting = 4;
constexpr Features kAllQueues =
    kBalloonMustTellHost | kBalloonStatsVq | kBalloonFreePageHint | kBalloonPageReporting;

BalloonPair::Config plain() {
  BalloonPair::Config config;
  config.driver.features = kAllQueues;
  return config;
}
BalloonPair::Config poisoning() {
  BalloonPair::Config config;
  config.driver.poisons = true;
  config.driver.poison = 0xaaaa'aaaa;
  return config;
}

// 3.1.1, the driver: writes no field during negotiation, accepts no feature after FEATURES_OK, and sends no
// notification before DRIVER_OK, although a statistics buffer is available already.
TEST(Conformance, NothingIsDoneTooEarly) {
  for (const auto& config : {plain(), poisoning()}) {
    BalloonPair pair(config);
    Features accepted = 0;
    std::uint64_t notified = 0;
    pair.meddler.at_step = [&](std::uint64_t) {
      const std::uint8_t status = pair.device().status();
      if ((status & kStatusFeaturesOk) == 0) {
        EXPECT_TRUE(pair.meddler.written_config.empty());
        accepted = pair.meddler.accepted;
      } else {
        EXPECT_EQ(pair.meddler.accepted, accepted);
      }
    };
    pair.meddler.on_notify = [&](std::uint16_t queue) {
      EXPECT_NE(pair.device().status() & kStatusDriverOk, 0);
      ++notified;
      pair.transport.notify(queue);
    };
    ASSERT_EQ(pair.driver.probe(), Status::Ok);
    EXPECT_GE(notified, 1u) << "the driver notifies of the statistics buffer after DRIVER_OK";
    EXPECT_EQ(pair.device().guest_statistics().updates, 1u);
    pair.meddler.at_step = nullptr;
    pair.meddler.on_notify = nullptr;
  }
}

// 2.2.2, 6.2, the device: always offers VERSION_1, and no feature without the features that it requires.
TEST(Conformance, OfferedFeaturesAreComplete) {
  BalloonRig::Options options;
  options.features = 0;
  BalloonRig rig(options);
  EXPECT_EQ(rig.device().offered(), kFeatureVersion1);
  BalloonDeviceConfig config;
  config.features = kBalloonInitReported;
  EXPECT_EQ(BalloonDevice::metadata_size(config, rig.map).raw, 0u);
  PageBox memory(bytes(mebibytes(1)));
  EXPECT_EQ(BalloonDevice::create(config, rig.map, rig.notifier, nullptr, memory.bytes()).status(),
            Status::InvalidArgument);
}

// 2.5.1, the driver: does not access an optional field whose feature is not offered.
TEST(Conformance, OptionalFieldsAreLeftAloneUnlessOffered) {
  BalloonPair::Config config = poisoning();
  config.device.features = kBalloonMustTellHost | kBalloonPageReporting;
  BalloonPair pair(config);
  std::set<std::uint32_t> read;
  pair.meddler.on_read_config = [&](std::uint32_t offset) -> std::optional<std::uint32_t> {
    read.insert(offset);
    return std::nullopt;
  };
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target({100});
  pair.run_due();
  EXPECT_EQ(read, std::set<std::uint32_t>{kBalloonNumPages});
  EXPECT_EQ(pair.meddler.written_config.count(kBalloonPoisonVal), 0u);
}

// 2.5.2, the device: allows reads of every field at each stage of the handshake.
TEST(Conformance, ConfigurationMayBeReadAtAnyTime) {
  BalloonRig rig;
  rig.device().set_target({77});
  rig.device().set_status(0);
  const std::uint8_t stages[] = {0, kStatusAcknowledge, kStatusAcknowledge | kStatusDriver};
  for (const std::uint8_t stage : stages) {
    if (stage != 0) rig.device().set_status(stage);
    EXPECT_EQ(rig.config(kBalloonNumPages), 77u);
    for (std::uint32_t offset = 4; offset < kBalloonConfigSize; offset += 4)
      EXPECT_EQ(rig.config(offset), 0u);
  }
  EXPECT_EQ(rig.device().mistakes().config, 0u);
}

// 5.5.6.3.1, the driver: supplies one buffer at a time, of a multiple of 6 bytes, always with the same
// statistics.
TEST(Conformance, StatisticsBuffers) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice device(pair, kStats);
  const auto tags = [&](std::uint16_t i) {
    const VirtqDesc& desc = device.descriptor(device.head(i));
    EXPECT_EQ(desc.flags.load(), 0) << "the buffer is one readable element";
    EXPECT_EQ(desc.len.load() % 6, 0u);
    std::vector<std::byte> tags;
    for (std::uint32_t at = 0; at < desc.len.load(); at += kStatSize) {
      const std::byte* const entry = pair.host({desc.addr.load() + at});
      tags.insert(tags.end(), entry, entry + 2);
    }
    return tags;
  };
  // The device took the first buffer itself; the test returns it here.
  ASSERT_EQ(device.available(), 1);
  const std::vector<std::byte> first = tags(0);
  for (std::uint16_t round = 1; round < 10; ++round) {
    device.use(device.head(static_cast<std::uint16_t>(round - 1)), 0);
    device.tell();
    pair.run_due();
    ASSERT_EQ(device.available(), round + 1) << "the driver supplies exactly one buffer";
    EXPECT_EQ(tags(round), first);
    pair.run_due();
    ASSERT_EQ(device.available(), round + 1);
  }
  pair.meddler.on_notify = nullptr;
}

// 5.5.6.5.1, the driver: sends in each round the command id in 4 bytes once, pages as writable elements, and
// STOP in 4 bytes.
TEST(Conformance, AHintingRound) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice device(pair, kHint);
  ASSERT_EQ(pair.transport.with_device([&] { return pair.device().start_hinting(); }), Status::Ok);
  pair.run_due();
  const std::uint16_t count = device.available();
  ASSERT_GE(count, 3);
  for (std::uint16_t i = 0; i < count; ++i) {
    const VirtqDesc& desc = device.descriptor(device.head(i));
    const bool id = i == 0 || i + 1 == count;
    EXPECT_EQ(desc.flags.load(), id ? 0 : kDescWrite);
    if (!id) continue;
    EXPECT_EQ(desc.len.load(), 4u);
    EXPECT_EQ(reinterpret_cast<Le32*>(pair.host({desc.addr.load()}))->load(), i == 0 ? 2u : kHintStop);
  }
  for (std::uint16_t i = 0; i < count; ++i) device.use(device.head(i), 0);
  device.tell();
  pair.run_due();
  EXPECT_EQ(device.available(), count)
      << "the id is sent once, even after all buffers of the round have returned";
  pair.meddler.on_notify = nullptr;
  pair.expect_whole();
}

// 5.5.6.6.1, the driver: writes the poison value once, before DRIVER_OK. The device counts a later write as a
// mistake.
TEST(Conformance, ThePoisonValueStays) {
  BalloonPair pair(poisoning());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.set_target({1000});
  pair.run_due();
  ASSERT_EQ(pair.driver.recover(), Status::Ok);
  pair.set_target({});
  pair.pass_time(seconds(5));
  EXPECT_EQ(pair.device().poison(), 0xaaaa'aaaau);
  EXPECT_EQ(pair.device().mistakes().config, 0u);
  pair.expect_whole();
}

// 5.5.6.7.1, the driver: no frame of a report is allocated before the report is acknowledged.
TEST(Conformance, AReportedFrameIsNobodysUntilAcknowledged) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice device(pair, kReporting);
  HwmPolicy policy(kOrder9, 1);
  pair.register_driver(policy);
  pair.run_due();
  ASSERT_EQ(device.available(), 1);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> reported;
  for (std::uint16_t i = device.head(0);; i = device.descriptor(i).next.load()) {
    const VirtqDesc& desc = device.descriptor(i);
    reported.emplace_back(desc.addr.load(), desc.len.load());
    if ((desc.flags.load() & kDescNext) == 0) break;
  }
  // Half of the memory, because a larger allocation would wait for the device.
  for (std::uint64_t i = 0; i < mebibytes(32).raw - 512; ++i) {
    const Allocation a = pair.rig.cache().allocate();
    if (!a.ok()) break;
    for (const auto& [address, length] : reported)
      ASSERT_FALSE(address_of(a.pfn).raw >= address && address_of(a.pfn).raw < address + length);
  }
  pair.meddler.on_notify = nullptr;
  pair.driver.remove();
}

// 3.3.1, the driver: a request that is in flight when the driver is removed fails after the reset of the
// device, and not before.
TEST(Conformance, TheQueuesAreDeadBeforeBuffersAreTaken) {
  BalloonPair pair(plain());
  struct Seen {
    BalloonPair* pair;
    int failed = 0;
  } seen{&pair};
  pair.driver.set_completion({[](void* context, std::uint32_t, Status status) noexcept {
                                auto& seen = *static_cast<Seen*>(context);
                                EXPECT_EQ(status, Status::Failed);
                                EXPECT_EQ(seen.pair->device().status(), 0);
                                ++seen.failed;
                              },
                              &seen});
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice device(pair, kReporting);
  const ScatterEntry entry{Pfn{0}, {512}, true};
  ASSERT_EQ(pair.driver.report({&entry, 1}, 0), Status::Pending);
  pair.driver.remove();
  EXPECT_EQ(seen.failed, 1);
  pair.meddler.on_notify = nullptr;
}

}  // namespace
}  // namespace fallow::detail
