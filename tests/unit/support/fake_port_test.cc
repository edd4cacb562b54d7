#include "tests/support/fake_port.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

namespace fallow {
namespace {

TEST(FakePort, FailsExactlyTheAllocationAskedFor) {
  FakePort port;
  port.fail_allocation_at(2);
  void* first = port.allocate({100});
  EXPECT_NE(first, nullptr);
  EXPECT_EQ(port.allocate({100}), nullptr);
  void* third = port.allocate({100});
  EXPECT_NE(third, nullptr);
  EXPECT_EQ(port.allocations(), 3u);
  EXPECT_EQ(port.live_allocations(), 2u);
  EXPECT_EQ(port.live_bytes().raw, 200u);
  port.release(first, {100});
  port.release(third, {100});
  EXPECT_EQ(port.live_allocations(), 0u);
}

TEST(FakePort, MemoryIsZeroedAndAligned) {
  FakePort port;
  auto* memory = static_cast<std::byte*>(port.allocate({1000}));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0u);
  EXPECT_TRUE(std::all_of(memory, memory + 1000, [](std::byte b) { return b == std::byte{0}; }));
  port.release(memory, {1000});
}

TEST(FakePort, StopsAtAReleaseOfTheWrongSize) {
  FakePort port;
  EXPECT_DEATH(port.release(port.allocate({10}), {11}), "live_bytes_");
}

TEST(FakePort, RecordsWakeupRequests) {
  FakePort port;
  port.wake_at(seconds(2));
  port.wake_at(seconds(3));
  EXPECT_EQ(port.wakeups(), 2u);
  EXPECT_EQ(port.last_wakeup(), seconds(3));
  EXPECT_EQ(port.next_deadline(), seconds(2));
}

TEST(FakePort, RelaxLetsTheTestMakeProgress) {
  FakePort port;
  int steps = 0;
  port.on_relax({[](void* context) { ++*static_cast<int*>(context); }, &steps});
  while (steps < 3) port.relax();
  EXPECT_EQ(port.relaxes(), 3u);
}

TEST(FakePort, TellsThreadsApartUnlessToldOtherwise) {
  FakePort port;
  std::uintptr_t other = 0;
  const std::uintptr_t here = port.current();
  std::thread([&] { other = port.current(); }).join();
  EXPECT_NE(here, 0u);
  EXPECT_EQ(here, port.current());
  EXPECT_NE(other, 0u);
  std::uintptr_t while_alive = 0;
  std::thread([&] { while_alive = port.current(); }).join();
  EXPECT_NE(while_alive, here);
  port.pretend_current(7);
  EXPECT_EQ(port.current(), 7u);
}

}  // namespace
}  // namespace fallow
