// The configuration of the balloon device (virtio 1.2, 5.5.4), and the state that a reset keeps.
#include <gtest/gtest.h>

#include <array>

#include "tests/support/balloon_rig.h"

namespace fallow::detail {
namespace {

class ActualObserver final : public BalloonObserver {
 public:
  void actual_changed() noexcept override { ++changes; }
  void notice(Notice) noexcept override { ++notices; }
  int changes = 0, notices = 0;
};

class BalloonConfig : public ::testing::Test {
 protected:
  void write(std::uint32_t offset, const std::vector<std::uint8_t>& bytes) {
    rig.device().write_config(offset, std::as_bytes(std::span(bytes)));
  }
  std::uint64_t mistakes() { return rig.device().mistakes().config; }

  ActualObserver observer;
  BalloonRig rig{{.observer = &observer}};
};
using HostileConfig = BalloonConfig;

TEST_F(BalloonConfig, ATargetIsToldToTheDriver) {
  rig.device().set_target({100});
  EXPECT_EQ(rig.notifier.config, 0u);
  rig.bring_up();
  EXPECT_EQ(rig.config(kBalloonNumPages), 100u);
  const std::uint32_t generation = rig.device().config_generation();
  rig.device().set_target({200});
  EXPECT_EQ(rig.config(kBalloonNumPages), 200u);
  EXPECT_EQ(rig.notifier.config, 1u);
  EXPECT_NE(rig.device().config_generation(), generation);
  rig.device().set_target({200});
  EXPECT_EQ(rig.notifier.config, 1u) << "an unchanged target is not announced";
  rig.device().set_target({std::uint64_t{1} << 40});
  EXPECT_EQ(rig.device().target().raw, 0xffff'ffffu);
}

TEST_F(BalloonConfig, TheDriverSaysHowMuchItGave) {
  rig.bring_up();
  rig.set_config(kBalloonActual, 0x0102'0304);
  EXPECT_EQ(rig.device().actual().raw, 0x0102'0304u);
  EXPECT_EQ(rig.config(kBalloonActual), 0x0102'0304u);
  EXPECT_EQ(observer.changes, 1);
  EXPECT_EQ(mistakes(), 0u);
}

// 5.5.6, legacy interface: the driver writes bytes, least significant first, and the last one takes effect.
TEST_F(BalloonConfig, ActualMayBeWrittenByteByByte) {
  rig.bring_up();
  for (std::uint8_t i = 0; i < 4; ++i) {
    EXPECT_EQ(observer.changes, 0);
    write(kBalloonActual + i, {static_cast<std::uint8_t>(4 - i)});
  }
  EXPECT_EQ(observer.changes, 1);
  EXPECT_EQ(rig.device().actual().raw, 0x0102'0304u);
}

TEST_F(BalloonConfig, ReadsOfAnyPart) {
  rig.bring_up();
  rig.device().set_target({0x0403'0201});
  rig.set_config(kBalloonActual, 0x0807'0605);
  std::array<std::byte, 6> part;
  rig.device().read_config(1, part);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(part[static_cast<std::size_t>(i)], std::byte(i + 2));
}

TEST_F(BalloonConfig, FieldsOfFeaturesThatWereNotAcceptedAreNotThere) {
  rig.bring_up(0);
  rig.set_config(kBalloonPoisonVal, 5);
  EXPECT_EQ(mistakes(), 1u);
  EXPECT_EQ(rig.config(kBalloonPoisonVal), 0u);
  EXPECT_EQ(rig.device().poison(), 0u);
  EXPECT_EQ(rig.config(kBalloonHintCmdId), 0u);
}

TEST_F(BalloonConfig, PoisonIsWrittenBeforeDriverOk) {
  ASSERT_TRUE(rig.driver->negotiate(kBalloonPagePoison));
  rig.set_config(kBalloonPoisonVal, 0xaaaa'aaaa);
  EXPECT_EQ(mistakes(), 0u);
  EXPECT_EQ(rig.config(kBalloonPoisonVal), 0xaaaa'aaaau);
}

// 5.5.6.6: the poison value.
TEST_F(BalloonConfig, PoisonWrittenLaterIsAMistakeAndTaken) {
  rig.bring_up(kBalloonPagePoison);
  rig.set_config(kBalloonPoisonVal, 7);
  EXPECT_EQ(mistakes(), 1u);
  EXPECT_EQ(rig.device().poison(), 7u);
}

TEST_F(HostileConfig, Case28_WritesToWhatIsReadOnly) {
  rig.bring_up(kBalloonPagePoison | kBalloonFreePageHint);
  rig.device().set_target({1});
  rig.set_config(kBalloonNumPages, 99);
  rig.set_config(kBalloonHintCmdId, 99);
  write(2, {1, 2, 3, 4});                      // num_pages and actual
  write(6, {1, 2, 3, 4});                      // actual and the command id
  write(10, {1, 2, 3, 4});                     // the command id and poison_val
  write(0, std::vector<std::uint8_t>(16, 1));  // all fields
  write(4, std::vector<std::uint8_t>(12, 1));  // actual and all fields after it
  write(12, std::vector<std::uint8_t>(5, 1));  // beyond the end
  write(0xffff'fffc, {1, 2, 3, 4});
  write(4, std::vector<std::uint8_t>(300, 1));
  write(4, {});
  EXPECT_EQ(mistakes(), 11u);
  EXPECT_EQ(rig.device().target().raw, 1u);
  EXPECT_EQ(rig.device().actual().raw, 0u);
  EXPECT_EQ(rig.config(kBalloonHintCmdId), 0u);
  EXPECT_EQ(rig.device().poison(), 0u);
}

TEST_F(BalloonConfig, AResetForgetsWhatTheDriverSaid) {
  rig.bring_up(kBalloonMustTellHost | kBalloonPagePoison | kBalloonPageReporting);
  rig.device().set_target({10});
  rig.set_config(kBalloonActual, 3);
  rig.set_config(kBalloonPoisonVal, 3);
  rig.inflate({0x110, 0x111});
  rig.report({pages(0x120)});
  EXPECT_EQ(observer.notices, 1);
  rig.device().set_status(0);
  EXPECT_EQ(rig.stats().inflated.raw, 0u);
  EXPECT_EQ(rig.device().actual().raw, 0u);
  EXPECT_EQ(rig.device().poison(), 0u);
  EXPECT_EQ(rig.device().target().raw, 10u) << "a reset keeps the target of the host";
  rig.bring_up(kBalloonMustTellHost | kBalloonPagePoison | kBalloonPageReporting);
  rig.inflate({0x110});
  EXPECT_EQ(rig.stats().inflated_twice, 0u);
  rig.set_config(kBalloonPoisonVal, 3);
  rig.report({pages(0x120)});
  EXPECT_EQ(observer.notices, 2) << "the notice is given again for the next driver";
}

}  // namespace
}  // namespace fallow::detail
