#include "fallow/platform/bare_port.h"

#include <gtest/gtest.h>

namespace fallow::detail {
namespace {

Nanoseconds fake_now;
int relaxes;

const BareHooks kHooks{.clock = [] { return fake_now; },
                       .relax = [] { ++relaxes; },
                       .cpu = []() -> std::uintptr_t { return 0; }};

struct BarePortTest : testing::Test {
  alignas(64) std::byte memory[4096] = {};
  BarePort port{kHooks, memory};
  BarePortTest() {
    fake_now = seconds(1);
    relaxes = 0;
  }
};

TEST_F(BarePortTest, PassesTheHooksOn) {
  EXPECT_EQ(port.now(), seconds(1));
  port.relax();
  EXPECT_EQ(relaxes, 1);
  EXPECT_EQ(port.current(), 1u) << "CPU 0 must not become 0";
}

TEST_F(BarePortTest, AnIdleLoopIsToldOnceWhenTheEarliestWakeupRequestIsDue) {
  EXPECT_FALSE(port.take_if_due());
  port.wake_at(seconds(5));
  port.wake_at(seconds(3));
  port.wake_at(seconds(9));
  EXPECT_EQ(port.next_deadline(), seconds(3));
  EXPECT_FALSE(port.due(seconds(2)));
  EXPECT_TRUE(port.due(seconds(3)));
  EXPECT_FALSE(port.take_if_due());
  fake_now = seconds(3);
  EXPECT_TRUE(port.take_if_due());
  EXPECT_FALSE(port.take_if_due());
  EXPECT_EQ(port.next_deadline(), kNever);
}

TEST_F(BarePortTest, NeverIsNeverDue) {
  port.wake_at(kNever);
  fake_now = kNever;
  EXPECT_FALSE(port.due(kNever));
  EXPECT_FALSE(port.take_if_due());
}

TEST_F(BarePortTest, AllocatesFromTheArena) {
  void* all = port.allocate({4096});
  EXPECT_EQ(all, memory);
  EXPECT_EQ(port.allocate({1}), nullptr);
  port.release(all, {4096});
  EXPECT_NE(port.allocate({1}), nullptr);
}

TEST_F(BarePortTest, StopsWithoutItsHooks) {
  const auto clock = [] { return Nanoseconds{}; };
  const auto relax = [] {};
  EXPECT_DEATH(BarePort({}, memory), "set BareHooks::clock");
  EXPECT_DEATH(BarePort({clock, nullptr, nullptr}, memory), "set BareHooks::relax");
  EXPECT_DEATH(BarePort({clock, relax, nullptr}, memory), "set BareHooks::cpu");
}

}  // namespace
}  // namespace fallow::detail
