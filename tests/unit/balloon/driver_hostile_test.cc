// Devices that lie to a balloon driver: the zone stays whole, no frame is lost or handed out twice, and the
// driver starts over.
#include "tests/support/lying_device.h"

namespace fallow {
namespace {

constexpr std::uint16_t kInflate = 0, kDeflate = 1, kStats = 2, kHint = 3, kReporting = 4;

BalloonPair::Config plain(std::uint32_t in_flight = 1) {
  BalloonPair::Config config;
  config.driver.features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom |
                           kBalloonFreePageHint | kBalloonPageReporting;
  config.driver.in_flight = in_flight;
  return config;
}

// A driver with a request in flight that the real device does not hear of.
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
    ASSERT_NE(lie.descriptor(lie.head(0)).flags.load() & kDescNext, 0) << "several entries";
    ASSERT_GT(pair.rig.box().stats().isolated.raw, 0u);
  }
  // The driver noticed, and works with the real device again.
  void expect_started_over() {
    EXPECT_EQ(pair.driver.stats().ring_faults, 1u);
    pair.meddler.on_notify = nullptr;
    pair.pass_time(seconds(2));
    EXPECT_EQ(pair.driver.stats().probes, 2u);
    EXPECT_EQ(pair.driver.stats().abandoned, 1u);
    EXPECT_EQ(pair.rig.box().stats().isolated.raw, 0u);
    EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(32)) << "reporting goes on";
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

// Of the chain, but not its head.
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
  EXPECT_EQ(pair.completions.size(), 1u) << "each request is over once";
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

// The length is not believed; without the draft feature it does not matter either.
TEST_F(HostileReports, LengthTooLarge) {
  lie.use(lie.head(0), 0xffff'ffff);
  lie.tell();
  ASSERT_EQ(pair.completions.size(), 1u);
  EXPECT_EQ(pair.completions[0].second, Status::Ok);
  EXPECT_EQ(pair.driver.stats().wrong_lengths, 1u);
  EXPECT_EQ(pair.driver.stats().ring_faults, 0u);
}

// The device writes over the descriptors: the driver does not read them back.
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

// The device never answers, and then goes away without a word: it is looked after.
TEST_F(HostileReports, DeviceGone) {
  pair.meddler.shows = 0xff;
  pair.pass_time(seconds(3));
  EXPECT_EQ(pair.driver.stats().abandoned, 1u);
  EXPECT_EQ(pair.rig.box().stats().isolated.raw, 0u) << "allocations do not wait for it";
  EXPECT_GT(pair.rig.reporter().stats().failures, 0u);
  expect_whole();
}

// Its status is well, and it returns nothing for ever: nobody waits for it for ever.
TEST_F(HostileReports, SilentDevice) {
  pair.pass_time(BalloonDriver::kSilence - seconds(1));
  EXPECT_EQ(pair.driver.stats().resets, 0u) << "it may be slow";
  pair.meddler.on_notify = nullptr;
  pair.pass_time(seconds(5));
  EXPECT_EQ(pair.driver.stats().resets, 1u);
  EXPECT_EQ(pair.driver.stats().abandoned, 1u);
  EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(32));
  expect_whole();
}

// Slow, but alive; and idle for long in between.
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
  // Unregistering waits for the request: the device answers at last.
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

// Each lie, told on each of the queues of the balloon.
class HostileQueues : public ::testing::TestWithParam<int> {
 public:
  void lie_about(LyingDevice& lie) {
    switch (GetParam()) {
      case 0:
        return lie.use(0xffff'ffff, 0);
      case 1:
        return lie.use(255, 0);
      case 2:
        return lie.jump(100);
      case 3:
        lie.use_truly(0);
        return lie.use(lie.head(0), 0);
      default:
        return lie.jump(0xffff);
    }
  }
  void expect_whole(BalloonPair& pair) {
    pair.meddler.on_notify = nullptr;
    pair.pass_time(seconds(1));
    EXPECT_EQ(pair.driver.stats().ring_faults, 1u);
    EXPECT_EQ(pair.driver.stats().probes, 2u);
    pair.expect_whole();
  }
};

TEST_P(HostileQueues, Inflate) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kInflate);
  pair.set_target({1000});
  pair.run_due();
  ASSERT_EQ(lie.available(), 1);
  lie_about(lie);
  pair.meddler.on_notify = nullptr;
  lie.tell();
  pair.pass_time(seconds(1));
  EXPECT_EQ(pair.device().actual().raw, 1000u) << "inflated anew";
  expect_whole(pair);
}

TEST_P(HostileQueues, Deflate) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target({1000});
  pair.run_due();
  LyingDevice lie(pair, kDeflate);
  pair.set_target({});
  pair.run_due();
  ASSERT_EQ(lie.available(), 1);
  EXPECT_EQ(pair.rig.box().stats().used.raw, 1000u) << "not before the device was told (5.5.6.1)";
  lie_about(lie);
  lie.tell();
  expect_whole(pair);
}

TEST_P(HostileQueues, DeflateOnOom) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target({1000});
  pair.run_due();
  LyingDevice lie(pair, kDeflate);
  struct Context {
    HostileQueues* self;
    LyingDevice* lie;
  } context{this, &lie};
  pair.rig.port.on_relax({[](void* raw) {
                            auto& c = *static_cast<Context*>(raw);
                            c.self->lie_about(*c.lie);
                          },
                          &context});
  EXPECT_LE(pair.driver.deflate_on_oom({700}).raw, 256u);
  pair.rig.port.on_relax({});
  expect_whole(pair);
}

TEST_P(HostileQueues, Statistics) {
  BalloonPair pair(plain());
  // The buffer was supplied while probing, and the device shall not see it.
  LyingDevice lie(pair, kStats);
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  ASSERT_EQ(lie.available(), 1);
  lie_about(lie);
  lie.tell();
  expect_whole(pair);
}

TEST_P(HostileQueues, Hint) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kHint);
  ASSERT_EQ(pair.transport.with_device([&] { return pair.device().start_hinting(); }), Status::Ok);
  pair.run_due();
  ASSERT_GT(lie.available(), 2);
  if (GetParam() == 1) {
    lie.use(0xfffe, 0);
  } else {
    lie_about(lie);
  }
  if (GetParam() == 2) lie.jump(200);  // more than are in flight
  lie.tell();
  expect_whole(pair);
}

INSTANTIATE_TEST_SUITE_P(Lies, HostileQueues, ::testing::Range(0, 5));

// MUST_TELL_HOST, and the device never answers: the allocation goes on without.
TEST(HostileDeflate, NoAnswerOnOom) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target({1000});
  pair.run_due();
  LyingDevice lie(pair, kDeflate);
  EXPECT_EQ(pair.driver.deflate_on_oom({100}).raw, 0u);
  EXPECT_LE(pair.rig.port.relaxes(), Patience::kLooks + 10);
  EXPECT_EQ(pair.rig.box().stats().used.raw, 1000u);
  EXPECT_EQ(pair.driver.deflate_on_oom({100}).raw, 0u) << "the chunk is still out";
  lie.use_truly(0);
  EXPECT_EQ(pair.driver.deflate_on_oom({50}).raw, 100u) << "now it came back";
  pair.meddler.on_notify = nullptr;
  pair.expect_whole();
}

// 5.5.6.1: a frame whose inflation was not acknowledged is neither asked back nor used.
TEST(HostileInflate, NoAnswer) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kInflate);
  pair.set_target({1000});
  pair.run_due();
  EXPECT_EQ(pair.driver.deflate_on_oom({100}).raw, 0u);
  pair.set_target({});
  pair.pass_time(seconds(5));
  EXPECT_EQ(pair.rig.box().stats().used.raw, 256u);
  lie.use_truly(0);
  lie.tell();
  pair.run_due();
  EXPECT_EQ(pair.rig.box().stats().used.raw, 0u);
  EXPECT_EQ(pair.device().actual().raw, 0u);
  pair.meddler.on_notify = nullptr;
  pair.expect_whole();
}

// The device writes over the page frame numbers: what comes back is what went in.
TEST(HostileInflate, ListOverwritten) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  LyingDevice lie(pair, kInflate);
  pair.set_target({256});
  pair.run_due();
  std::byte* const list = pair.host({lie.descriptor(lie.head(0)).addr.load()});
  for (std::size_t i = 0; i < 1024; ++i) list[i] = std::byte{0xff};
  lie.use_truly(0);
  lie.tell();
  pair.run_due();
  EXPECT_EQ(pair.driver.stats().inflated.raw, 256u);
  pair.meddler.on_notify = nullptr;
  pair.driver.remove();
  EXPECT_EQ(pair.rig.zone().misuse().count, 0u);
  pair.expect_whole();
}

// 2.5.1: the target changes between two reads of the generation, again and again.
TEST(HostileConfig, NeverTheSameGenerationTwice) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  std::uint32_t generation = 0, reads = 0;
  pair.meddler.generation = [&] { return ++generation; };
  pair.meddler.on_read_config = [&](std::uint32_t offset) -> std::optional<std::uint32_t> {
    if (offset != kBalloonNumPages) return std::nullopt;
    return ++reads;
  };
  pair.run_due();
  EXPECT_LE(reads, 16u);
  EXPECT_EQ(pair.device().actual().raw, reads) << "as read last";
  pair.expect_whole();
}

TEST(HostileConfig, AChangeDuringTheReadIsReadAgain) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  std::uint32_t generation = 0;
  int reads = 0;
  pair.meddler.generation = [&] { return generation; };
  pair.meddler.on_read_config = [&](std::uint32_t offset) -> std::optional<std::uint32_t> {
    if (offset != kBalloonNumPages) return std::nullopt;
    if (++reads > 1) return 20;
    ++generation;
    return 0x00ff'0000;  // half of the old value, half of the new
  };
  pair.run_due();
  EXPECT_EQ(pair.device().actual().raw, 20u);
}

// A target that goes up and down at every look.
TEST(HostileConfig, TargetsWithoutRest) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  std::uint32_t n = 0;
  pair.meddler.on_read_config = [&](std::uint32_t) -> std::optional<std::uint32_t> {
    return (n++ & 1) != 0 ? 0 : 0xffff'ffff;
  };
  for (int i = 0; i < 20; ++i) {
    pair.meddler.calls->config_changed();
    pair.run_due();
  }
  pair.rig.box().check();
  pair.meddler.on_read_config = nullptr;
  pair.expect_whole();
}

TEST(HostileConfig, HintCommandsWithoutSense) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  std::uint32_t command = 0;
  pair.meddler.on_read_config = [&](std::uint32_t offset) -> std::optional<std::uint32_t> {
    if (offset == kBalloonHintCmdId) return command;
    return std::nullopt;
  };
  for (const std::uint32_t next : {5u, 5u, 0u, 5u, 1u, 1u, 0xffff'ffffu, 2u, 3u, 0u, 3u, 1u}) {
    command = next;
    pair.meddler.calls->config_changed();
    pair.run_due();
    pair.rig.box().check();
  }
  EXPECT_EQ(pair.rig.box().stats().used.raw, 0u) << "DONE";
  pair.meddler.on_read_config = nullptr;
  pair.expect_whole();
}

}  // namespace
}  // namespace fallow
