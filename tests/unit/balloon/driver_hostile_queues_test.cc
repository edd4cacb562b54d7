// Devices that break the rules for the balloon, statistics, hints and configuration of a driver.
#include "tests/support/lying_device.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kInflate = 0, kDeflate = 1, kStats = 2, kHint = 3;

// Each violation, on each queue of the balloon.
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
  EXPECT_EQ(pair.device().actual().raw, 1000u) << "the balloon was not inflated again";
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
  EXPECT_EQ(pair.rig.box().stats().used.raw, 1000u)
      << "frames were used before the device knew of their deflation (5.5.6.1)";
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
  // The buffer was supplied during probing, and the device must not see it.
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

// MUST_TELL_HOST, and the device never answers: the allocation continues without the balloon.
TEST(HostileDeflate, NoAnswerOnOom) {
  BalloonPair pair(plain());
  ASSERT_EQ(pair.driver.probe(), Status::Ok);
  pair.set_target({1000});
  pair.run_due();
  LyingDevice lie(pair, kDeflate);
  EXPECT_EQ(pair.driver.deflate_on_oom({100}).raw, 0u);
  EXPECT_LE(pair.rig.port.relaxes(), PollTimeout::kMaxPolls + 10);
  EXPECT_EQ(pair.rig.box().stats().used.raw, 1000u);
  EXPECT_EQ(pair.driver.deflate_on_oom({100}).raw, 0u) << "the chunk is still in flight";
  lie.use_truly(0);
  EXPECT_EQ(pair.driver.deflate_on_oom({50}).raw, 100u) << "the chunk has returned";
  pair.meddler.on_notify = nullptr;
  pair.expect_whole();
}

// 5.5.6.1: a frame whose inflation was not acknowledged is neither deflated nor used.
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

// The device overwrites the page frame numbers: deflation returns the frames that were inflated.
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

// 2.5.1: the target changes between any two reads of the generation.
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
  EXPECT_EQ(pair.device().actual().raw, reads) << "the driver uses the value that it read last";
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
    return 0x00ff'0000;  // half of the old value and half of the new one
  };
  pair.run_due();
  EXPECT_EQ(pair.device().actual().raw, 20u);
}

// A target that alternates with every read.
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
}  // namespace fallow::detail
