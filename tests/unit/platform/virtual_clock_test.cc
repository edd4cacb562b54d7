#include "fallow/platform/detail/virtual_clock.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "tests/support/fake_port.h"

namespace fallow::detail {
namespace {

// A port with its own clock; it takes everything else from another port, which must outlive it.
class VirtualPort final : public detail::VirtualClock {
 public:
  explicit VirtualPort(Port& real, Nanoseconds start = {}) noexcept : VirtualClock(start), real_(real) {}

  void relax() noexcept override { real_.relax(); }
  std::uintptr_t current() noexcept override { return real_.current(); }
  void* allocate(ByteCount size) noexcept override { return real_.allocate(size); }
  void release(void* memory, ByteCount size) noexcept override { real_.release(memory, size); }

 private:
  Port& real_;
};

// A worker that returns the scripted deadlines and records when it ran.
struct Recorder {
  detail::VirtualClock& clock;
  std::vector<Nanoseconds> answers;
  std::vector<Nanoseconds> runs;

  Nanoseconds run() {
    runs.push_back(clock.now());
    return runs.size() <= answers.size() ? answers[runs.size() - 1] : kNever;
  }
};

struct VirtualPortTest : testing::Test {
  FakePort real;
  VirtualPort port{real, seconds(10)};
};

TEST_F(VirtualPortTest, TheClockMovesOnlyWhenTold) {
  EXPECT_EQ(port.now(), seconds(10));
  port.advance_to(seconds(11));
  EXPECT_EQ(port.now(), seconds(11));
  EXPECT_EQ(real.now(), Nanoseconds{});
  EXPECT_DEATH(port.advance_to(seconds(10)), "never runs backwards");
}

TEST_F(VirtualPortTest, TheRestIsTheOtherPorts) {
  void* memory = port.allocate({64});
  EXPECT_EQ(real.live_allocations(), 1u);
  port.release(memory, {64});
  EXPECT_EQ(real.live_allocations(), 0u);
  port.relax();
  EXPECT_EQ(real.relaxes(), 1u);
  real.pretend_current(3);
  EXPECT_EQ(port.current(), 3u);
  port.wake_at(seconds(1));
  EXPECT_EQ(real.wakeups(), 0u);
}

TEST_F(VirtualPortTest, RunsTheWorkerAtEachDeadlineOnTheWay) {
  Recorder worker{port, {seconds(13), seconds(15), seconds(21)}, {}};
  port.wake_at(seconds(12));
  port.run_until(seconds(20), worker_of(worker));
  EXPECT_EQ(worker.runs, (std::vector{seconds(12), seconds(13), seconds(15)}));
  EXPECT_EQ(port.now(), seconds(20));
  EXPECT_EQ(port.next_deadline(), seconds(21));
}

// A thread that read the clock before it moved requests a wakeup while the worker's thread reads the next
// deadline.
TEST_F(VirtualPortTest, AWakeupRequestThatComesLateWhileTheClockIsAboutToMoveIsServedNow) {
  FakePort fake(seconds(10));
  struct LateRequest {
    FakePort& port;
    bool made = false;
    static void make(void* self) noexcept {
      auto& request = *static_cast<LateRequest*>(self);
      if (!std::exchange(request.made, true)) request.port.wake_at(seconds(9));
    }
  } late{fake};
  Recorder worker{fake, {}, {}};
  fake.wake_at(seconds(12));
  fake.on_now({LateRequest::make, &late});
  fake.run_until(seconds(13), worker_of(worker));
  EXPECT_TRUE(late.made);
  EXPECT_EQ(worker.runs, std::vector{seconds(12)});
  EXPECT_EQ(fake.now(), seconds(13));
}

TEST_F(VirtualPortTest, AWakeupRequestInThePastIsServedNow) {
  Recorder worker{port, {}, {}};
  port.wake_at(seconds(1));
  port.run_until(seconds(12), worker_of(worker));
  EXPECT_EQ(worker.runs, std::vector{seconds(10)});
}

TEST_F(VirtualPortTest, ADeadlineAtTheEndIsStillServed) {
  Recorder worker{port, {}, {}};
  port.wake_at(seconds(12));
  port.run_until(seconds(12), worker_of(worker));
  EXPECT_EQ(worker.runs, std::vector{seconds(12)});
}

TEST_F(VirtualPortTest, WithoutAWakeupRequestNothingRunsEvenToTheEndOfTime) {
  Recorder worker{port, {}, {}};
  port.run_until(kNever, worker_of(worker));
  EXPECT_TRUE(worker.runs.empty());
  EXPECT_EQ(port.now(), kNever);
}

}  // namespace
}  // namespace fallow::detail
