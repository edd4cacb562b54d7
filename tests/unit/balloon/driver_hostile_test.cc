// Devices that break the rules for the reports of a driver: the zone stays consistent, no frame is lost or
// allocated twice, and the driver recovers.
#include "tests/support/lying_device.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kReporting = 4;

// A driver with a request in flight that the real device does not see.
class HostileReports : public ::testing::Test {
 public:
  void SetUp() override {
    ASSERT_EQ(pair.driver.probe(), Status::Ok);
    for (Allocation a = pair.rig.cache().allocate(kOrder9); a.ok(); a = pair.rig.cache().allocate(kOrder9)) {
      if (a.pfn.raw % 1024 != 0) held.push_back(a.pfn);
    }
    pair.rig.box().free_blocks(Pfn{0}, kOrder9, 16, 1024);
    pair.register_driver(policy);
    pair.run_due();
    ASSERT_EQ(lie.available(), 1);
    ASSERT_NE(lie.descriptor(lie.head(0)).flags.load() & kDescNext, 0) << "the chain has several elements";
    ASSERT_GT(pair.rig.box().stats().isolated.raw, 0u);
  }
  // Expects that the driver detected the violation, and works with the real device again.
  void expect_started_over() {
    EXPECT_EQ(pair.driver.stats().ring_faults, 1u);
    pair.meddler.on_notify = nullptr;
    pair.pass_time(seconds(2));
    EXPECT_EQ(pair.driver.stats().probes, 2u);
    EXPECT_EQ(pair.driver.stats().abandoned, 1u);
    EXPECT_EQ(pair.rig.box().stats().isolated.raw, 0u);
    EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(32)) << "reporting continues";
    expect_whole();
  }
  void expect_whole() {
    for (const Pfn pfn : held) ASSERT_EQ(pair.rig.cache().free(pfn, kOrder9), Status::Ok);
    held.clear();
    pair.expect_whole();
  }

  std::vector<Pfn> held;
  BalloonPair pair{plain()};
  LyingDevice lie{pair, kReporting};
  HwmPolicy policy{kOrder9, 1};
};

TEST_F(HostileReports, UsedIdOutOfRange) {
  lie.use(256, 0);
  lie.tell();
  expect_started_over();
}

TEST_F(HostileReports, UsedIdAbsurd) {
  lie.use(0xffff'ffff, 0);
  lie.tell();
  expect_started_over();
}

TEST_F(HostileReports, UsedIdNeverGivenOut) {
  lie.use(static_cast<std::uint16_t>(lie.head(0) + 100), 0);
  lie.tell();
  expect_started_over();
}

// The id names a descriptor of the chain other than its head.
TEST_F(HostileReports, UsedIdInsideAChain) {
  lie.use(lie.descriptor(lie.head(0)).next.load(), 0);
  lie.tell();
  expect_started_over();
}

TEST_F(HostileReports, UsedIdTwice) {
  const std::uint16_t head = lie.head(0);
  lie.use_truly(0);
  lie.tell();
  lie.use(head, 0);
  lie.tell();
  EXPECT_EQ(pair.completions.size(), 1u) << "each request is completed once";
  EXPECT_EQ(pair.driver.stats().ring_faults, 1u);
  pair.meddler.on_notify = nullptr;
  pair.pass_time(seconds(2));
  expect_whole();
}

TEST_F(HostileReports, UsedIndexJumps) {
  lie.jump(2);
  lie.tell();
  expect_started_over();
}

TEST_F(HostileReports, UsedIndexGoesBack) {
  lie.jump(0xffff);
  lie.tell();
  expect_started_over();
}

// The driver does not trust the length; without the draft feature it does not use the length at all.
TEST_F(HostileReports, LengthTooLarge) {
  lie.use(lie.head(0), 0xffff'ffff);
  lie.tell();
  ASSERT_EQ(pair.completions.size(), 1u);
  EXPECT_EQ(pair.completions[0].second, Status::Ok);
  EXPECT_EQ(pair.driver.stats().wrong_lengths, 1u);
  EXPECT_EQ(pair.driver.stats().ring_faults, 0u);
}

// The device overwrites the descriptors, which the driver never reads back.
TEST_F(HostileReports, DescriptorsOverwritten) {
  const std::uint16_t head = lie.head(0);
  for (std::uint16_t i = 0; i < 256; ++i) {
    lie.descriptor(i).addr.store(~std::uint64_t{0});
    lie.descriptor(i).len.store(~std::uint32_t{0});
    lie.descriptor(i).flags.store(0xffff);
    lie.descriptor(i).next.store(0xffff);
  }
  lie.use(head, 0);
  lie.tell();
  ASSERT_EQ(pair.completions.size(), 1u);
  pair.meddler.on_notify = nullptr;
  pair.run_due();
  pair.pass_time(seconds(1));
  expect_whole();
}

TEST_F(HostileReports, NotificationsOfNothing) {
  for (std::uint16_t queue = 0; queue < 8; ++queue) pair.meddler.calls->queue_used(queue);
  pair.meddler.calls->queue_used(0xffff);
  for (int i = 0; i < 100; ++i) pair.meddler.calls->config_changed();
  pair.run_due();
  EXPECT_TRUE(pair.completions.empty());
  EXPECT_EQ(pair.driver.stats().ring_faults, 0u);
}

// The device never answers and then disappears without an interrupt: the driver checks its status.
TEST_F(HostileReports, DeviceGone) {
  pair.meddler.shows = 0xff;
  pair.pass_time(seconds(3));
  EXPECT_EQ(pair.driver.stats().abandoned, 1u);
  EXPECT_EQ(pair.rig.box().stats().isolated.raw, 0u) << "frames are withheld from allocations";
  EXPECT_GT(pair.rig.reporter().stats().failures, 0u);
  expect_whole();
}

// The status of the device is valid, but it never returns a chain: no wait lasts for ever.
TEST_F(HostileReports, SilentDevice) {
  pair.pass_time(BalloonDriver::kSilence - seconds(1));
  EXPECT_EQ(pair.driver.stats().resets, 0u) << "a slow device is not reset";
  pair.meddler.on_notify = nullptr;
  pair.pass_time(seconds(5));
  EXPECT_EQ(pair.driver.stats().resets, 1u);
  EXPECT_EQ(pair.driver.stats().abandoned, 1u);
  EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(32));
  expect_whole();
}

// A slow device that answers, with long idle times in between.
TEST(HostileSilence, ASlowDeviceIsNotGivenUp) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kReporting);
  for (std::uint16_t i = 0; i < 4; ++i) {
    pair.pass_time(seconds(100));
    const ScatterEntry entry{Pfn{0}, {512}, true};
    ASSERT_EQ(pair.driver.report({&entry, 1}, 0), Status::Pending);
    pair.pass_time(seconds(25));
    lie.use_truly(i);
    lie.tell();
  }
  EXPECT_EQ(pair.completions.size(), 4u);
  EXPECT_EQ(pair.driver.stats().resets, 0u);
}

TEST_F(HostileReports, ResetBehindTheDriversBack) {
  pair.transport.set_status(0);
  pair.meddler.on_notify = nullptr;
  pair.pass_time(seconds(3));
  EXPECT_EQ(pair.driver.stats().probes, 2u);
  EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(32));
  expect_whole();
}

TEST_F(HostileReports, RemovedWithARequestInFlight) {
  // Unregistering waits for the request, which the device answers in the end.
  pair.rig.port.on_relax({[](void* context) {
                            auto& self = *static_cast<HostileReports*>(context);
                            self.lie.use_truly(0);
                            self.lie.tell();
                            self.pair.rig.port.on_relax({});
                          },
                          this});
  pair.unregister();
  expect_whole();
}

}  // namespace
}  // namespace fallow::detail
