// The features and queues that a balloon driver accepts (3.1.1, 5.5.3.1), and how it refuses a device.
#include "fallow/balloon/driver/detail/driver_features.h"

#include "tests/support/balloon_pair.h"

namespace fallow::detail {
namespace {

constexpr Features kAll = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom |
                          kBalloonFreePageHint | kBalloonPagePoison | kBalloonPageReporting |
                          kBalloonInitReported | kRingFeatures | kFeatureVersion1;

TEST(DriverFeatures, OnlyWhatIsOfferedAndWanted) {
  EXPECT_EQ(choose_features(kAll, kBalloonStatsVq, false), kBalloonStatsVq | kFeatureVersion1);
  EXPECT_EQ(choose_features(kFeatureVersion1, kAll, false), kFeatureVersion1);
}

TEST(DriverFeatures, NothingUnknown) { EXPECT_EQ(choose_features(~Features{0}, ~Features{0}, true), kAll); }

// 5.5.6.6: a guest that does not poison its pages rejects the feature.
TEST(DriverFeatures, PoisonOnlyForWhoPoisons) {
  EXPECT_EQ(choose_features(kAll, kAll, false) & kBalloonPagePoison, 0u);
  EXPECT_NE(choose_features(kAll, 0, true) & kBalloonPagePoison, 0u);
}

// 5.5.3.1: pages that must keep a value are not reported without page poison.
TEST(DriverFeatures, WhoPoisonsReportsOnlyWithPagePoison) {
  EXPECT_EQ(choose_features(kAll & ~kBalloonPagePoison, kAll, true) & kBalloonPageReporting, 0u);
  EXPECT_NE(choose_features(kAll, kAll, true) & kBalloonPageReporting, 0u);
  EXPECT_NE(choose_features(kAll & ~kBalloonPagePoison, kAll, false) & kBalloonPageReporting, 0u);
}

TEST(DriverFeatures, InitialisedReportsNeedReports) {
  EXPECT_EQ(choose_features(kAll & ~kBalloonPageReporting, kAll, false) & kBalloonInitReported, 0u);
  EXPECT_EQ(choose_features(kAll, kBalloonPageReporting, false) & kBalloonInitReported, 0u)
      << "the feature is optional";
  EXPECT_NE(choose_features(kAll, kAll, false) & kBalloonInitReported, 0u);
}

// For any set of offered features, the queues are numbered without gaps over the offered features, accepted
// or not.
TEST(DriverProbe, FindsItsQueues) {
  const Features some[] = {kBalloonStatsVq, kBalloonFreePageHint, kBalloonPageReporting};
  for (unsigned offered = 0; offered < 8; ++offered) {
    for (unsigned wanted = 0; wanted < 8; ++wanted) {
      BalloonPair::Config config;
      config.frames = mebibytes(8);
      config.driver.features = config.device.features = 0;
      for (unsigned i = 0; i < 3; ++i) {
        if ((offered >> i & 1) != 0) config.device.features |= some[i];
        if ((wanted >> i & 1) != 0) config.driver.features |= some[i];
      }
      BalloonPair pair(config);
      ASSERT_EQ(pair.driver.probe(), Status::Ok);
      EXPECT_EQ(pair.driver.reports(), (offered & wanted & 4) != 0);
      EXPECT_EQ(pair.device().mistakes().queues, 0u) << offered << " " << wanted;
      EXPECT_EQ(pair.device().mistakes().features, 0u);
      EXPECT_EQ(pair.device().mistakes().config, 0u);
      pair.set_target({10});
      pair.run_due();
      EXPECT_EQ(pair.device().actual().raw, 10u);
    }
  }
}

TEST(DriverProbe, StepsInTheOrderOfTheSpecification) {
  BalloonPair pair;
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  EXPECT_EQ(pair.meddler.written_status, (std::vector<std::uint8_t>{0, 1, 3, 11, 15}));
  EXPECT_EQ(pair.device().mistakes().status, 0u);
}

void expect_refused(BalloonPair& pair, Status why) {
  EXPECT_EQ(pair.driver.probe(), why);
  EXPECT_FALSE(pair.driver.reports());
  EXPECT_EQ(pair.meddler.calls, nullptr);
  EXPECT_EQ(pair.driver.work(), kNever);
  const ScatterEntry entry{Pfn{0}, {512}, true};
  EXPECT_EQ(pair.driver.report({&entry, 1}, 0), Status::Failed);
  pair.expect_whole();
}

TEST(DriverProbe, RefusesADeviceWithoutVersion1) {
  BalloonPair pair;
  pair.meddler.offers = kAll & ~kFeatureVersion1;
  expect_refused(pair, Status::InvalidArgument);
  EXPECT_NE(pair.meddler.written_status.back() & kStatusFailed, 0);
}

// 3.1.1 step 6: the device offers features and withdraws them.
TEST(DriverProbe, FeaturesThatDoNotStick) {
  BalloonPair pair;
  pair.meddler.hides = kStatusFeaturesOk;
  expect_refused(pair, Status::Failed);
  EXPECT_NE(pair.meddler.written_status.back() & kStatusFailed, 0);
}

TEST(DriverProbe, FeaturesThatTheDeviceDoesNotHave) {
  BalloonPair::Config config;
  config.device.features = 0;
  BalloonPair pair(config);
  pair.meddler.offers = kAll;
  expect_refused(pair, Status::Failed);
}

TEST(DriverProbe, AQueueThatIsNotThere) {
  for (std::uint16_t queue = 0; queue < 5; ++queue) {
    BalloonPair pair;
    pair.meddler.size_of[queue] = 0;
    expect_refused(pair, Status::Failed);
    EXPECT_NE(pair.meddler.written_status.back() & kStatusFailed, 0);
  }
}

TEST(DriverProbe, AQueueThatTheDeviceDoesNotTake) {
  for (std::uint16_t queue = 0; queue < 5; ++queue) {
    BalloonPair pair;
    pair.meddler.on_start_queue = [=](std::uint16_t q) { return q == queue ? Status::Failed : Status::Ok; };
    expect_refused(pair, Status::Failed);
  }
}

// 2.4.2: the driver waits for a reset, but not for ever: the clock bounds the wait, or the number of reads if
// the clock stands still.
TEST(DriverProbe, AResetThatNeverEnds) {
  BalloonPair pair;
  pair.meddler.shows = 0xff;
  expect_refused(pair, Status::Failed);
  EXPECT_LE(pair.meddler.steps, PollTimeout::kMaxPolls + 100);
  pair.rig.port.on_relax({[](void* port) {
                            auto& clock = *static_cast<FakePort*>(port);
                            clock.advance_to(clock.now() + milliseconds(10));
                          },
                          &pair.rig.port});
  pair.meddler.steps = 0;
  expect_refused(pair, Status::Failed);
  EXPECT_LE(pair.meddler.steps, 200u);
}

TEST(DriverProbe, AResetThatTakesItsTime) {
  BalloonPair pair;
  pair.meddler.shows = 15;
  pair.meddler.at_step = [&](std::uint64_t step) {
    if (step == 1000) pair.meddler.shows.reset();
  };
  EXPECT_EQ(pair.driver.probe(), Status::Ok);
}

TEST(DriverProbe, ConfigurationsOutOfRange) {
  const auto with = [](auto change) {
    BalloonPair::Config config;
    config.frames = mebibytes(8);
    change(config.driver);
    BalloonPair pair(config);
    expect_refused(pair, Status::InvalidArgument);
    EXPECT_EQ(pair.meddler.steps, 0u) << "the driver accessed the device";
  };
  with([](BalloonDriverConfig& c) { c.queue_size = 0; });
  with([](BalloonDriverConfig& c) { c.queue_size = 32769; });
  with([](BalloonDriverConfig& c) { c.capacity = 0; });
  with([](BalloonDriverConfig& c) { c.in_flight = 0; });
}

TEST(DriverProbe, MemoryThatIsTooSmallOrMisaligned) {
  FakePort port;
  ZoneBox box(port, mebibytes(8), 2);
  const BalloonDriverConfig config;
  const ByteCount shared_size = BalloonDriver::shared_size(config);
  PageBox shared(shared_size + ByteCount{kFrameSize});
  std::vector<std::uint64_t> own(BalloonDriver::own_size(config, box.zone()).raw / 8 + 1);
  const std::span<std::byte> own_bytes =
      std::as_writable_bytes(std::span(own)).first(BalloonDriver::own_size(config, box.zone()).raw);
  InProcessTransport transport(port, {}, {});
  const auto refused = [&](SharedMemory memory, std::span<std::byte> mine) {
    BalloonDriver driver(port, transport, box.zone(), box.cache(1), config, memory, mine);
    return driver.probe() == Status::InvalidArgument;
  };
  EXPECT_TRUE(refused({shared.get(), {0}, shared_size - ByteCount{1}}, own_bytes));
  EXPECT_TRUE(refused({shared.get(), {0}, shared_size}, own_bytes.subspan(1)));
  EXPECT_TRUE(refused({shared.get() + 64, {0}, shared_size}, own_bytes));
  EXPECT_TRUE(refused({shared.get(), {64}, shared_size}, own_bytes));
  EXPECT_TRUE(refused({nullptr, {0}, shared_size}, own_bytes));
}

// 5.5.6.6.1: the poison value is written before DRIVER_OK, and only if negotiated.
TEST(DriverProbe, WritesThePoisonValueBeforeDriverOk) {
  BalloonPair::Config config;
  config.driver.poisons = true;
  config.driver.poison = 0xaaaa'aaaa;
  BalloonPair pair(config);
  bool before = false;
  pair.meddler.at_step = [&](std::uint64_t) {
    if (pair.device().poison() == 0xaaaa'aaaa && (pair.device().status() & kStatusDriverOk) == 0)
      before = true;
  };
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  EXPECT_TRUE(before);
  BalloonPair other;
  ASSERT_EQ(other.driver.probe(), Status::Ok);
  EXPECT_EQ(other.meddler.written_config.count(kBalloonPoisonVal), 0u);
}

// Sizes that a device or a format allows.
TEST(DriverProbe, CapacityIsWhatFits) {
  struct Case {
    Features rings;
    std::uint16_t wanted, offered;
    std::uint32_t capacity, in_flight, fits_capacity, fits_depth;
  };
  const Case cases[] = {
      {0, 256, 256, 32, 1, 32, 1},
      {0, 256, 256, 32, 8, 32, 8},
      {0, 256, 256, 32, 16, 16, 16},
      {0, 256, 16, 32, 1, 16, 1},
      {0, 256, 24, 32, 1, 16, 1},  // a power of two
      {kFeatureRingPacked, 256, 24, 32, 1, 24, 1},
      {kFeatureIndirectDesc, 256, 256, 32, 16, 32, 16},
      {kFeatureIndirectDesc, 256, 8, 32, 16, 8, 8},
      {0, 256, 1, 32, 4, 1, 1},
      {0, 8, 256, 32, 2, 4, 2},
  };
  for (const Case& c : cases) {
    BalloonPair::Config config;
    config.frames = mebibytes(32);
    config.driver.features = kBalloonPageReporting | c.rings;
    config.driver.queue_size = c.wanted;
    config.driver.capacity = c.capacity;
    config.driver.in_flight = c.in_flight;
    config.device.max_queue_size = c.offered;
    BalloonPair pair(config);
    ASSERT_EQ(pair.driver.probe(), Status::Ok);
    EXPECT_EQ(pair.driver.capacity(), c.fits_capacity) << c.offered << " " << c.in_flight;
    EXPECT_EQ(pair.driver.depth(), c.fits_depth) << c.offered << " " << c.in_flight;
    HwmPolicy policy(Order{4}, 1);
    pair.register_driver(policy);
    pair.run_due();
    EXPECT_EQ(pair.rig.box().stats().reported, mebibytes(32));
    pair.expect_whole();
  }
}

}  // namespace
}  // namespace fallow::detail
