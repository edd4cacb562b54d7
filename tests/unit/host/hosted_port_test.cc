#include "fallow/host/hosted_port.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace fallow::detail {
namespace {

using namespace std::chrono_literals;

// An upper limit that even a slow machine does not reach, for tests that expect an earlier wakeup.
constexpr Nanoseconds kLong = seconds(3600);

// A worker that counts its runs and returns the deadlines that the test sets.
struct CountingWorker {
  std::atomic<int> runs{0};
  std::atomic<std::uint64_t> answer{kNever.raw};
  std::function<void(int run)> on_run = [](int) {};

  Nanoseconds run() {
    const int now = runs.load() + 1;
    on_run(now);
    runs.store(now);
    return {answer.load()};
  }

  // Fails the test instead of hanging if the count is never reached.
  void await(int count) {
    for (int i = 0; i < 10'000 && runs.load() < count; ++i) std::this_thread::sleep_for(1ms);
    ASSERT_GE(runs.load(), count);
  }
};

struct HostedPortTest : testing::Test {
  CountingWorker worker;
  HostedPort port;
};

TEST_F(HostedPortTest, TheClockRunsForward) {
  const Nanoseconds before = port.now();
  std::this_thread::sleep_for(2ms);
  EXPECT_GE(port.now(), before + milliseconds(2));
}

TEST_F(HostedPortTest, TellsThreadsApart) {
  const std::uintptr_t here = port.current();
  std::uintptr_t there = 0;
  std::thread([&] { there = port.current(); }).join();
  EXPECT_NE(here, 0u);
  EXPECT_NE(there, 0u);
  EXPECT_NE(here, there);
  EXPECT_EQ(here, port.current());
}

TEST_F(HostedPortTest, MemoryIsZeroedAndAligned) {
  auto* memory = static_cast<std::byte*>(port.allocate({1000}));
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0u);
  EXPECT_TRUE(std::all_of(memory, memory + 1000, [](std::byte b) { return b == std::byte{0}; }));
  port.release(memory, {1000});
  EXPECT_EQ(port.allocate({~std::uint64_t{0}}), nullptr);
  EXPECT_EQ(port.allocate({0}), nullptr);
}

TEST_F(HostedPortTest, SleepsUntilWoken) {
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(worker.runs.load(), 0);
  port.wake_at(port.now());
  worker.await(1);
}

TEST_F(HostedPortTest, StartsOnceAndOnlyWithAFunction) {
  EXPECT_EQ(port.start({}), Status::InvalidArgument);
  EXPECT_FALSE(port.started());
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  EXPECT_EQ(port.start(worker_of(worker)), Status::Busy);
}

TEST_F(HostedPortTest, DoesNotRunBeforeTheDeadline) {
  std::atomic<std::uint64_t> ran_at{0};
  worker.on_run = [&](int) { ran_at = port.now().raw; };
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  const Nanoseconds deadline = port.now() + milliseconds(30);
  port.wake_at(deadline);
  worker.await(1);
  EXPECT_GE(ran_at.load(), deadline.raw);
}

TEST_F(HostedPortTest, AnEarlierDeadlineWakesASleeper) {
  port.wake_at(port.now() + kLong);
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  std::this_thread::sleep_for(10ms);
  port.wake_at(port.now() + milliseconds(10));
  worker.await(1);
}

TEST_F(HostedPortTest, ALaterDeadlineChangesNothing) {
  const Nanoseconds deadline = port.now() + kLong;
  port.wake_at(deadline);
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  port.wake_at(deadline + seconds(1));
  std::this_thread::sleep_for(10ms);
  EXPECT_EQ(port.next_deadline(), deadline);
  EXPECT_EQ(worker.runs.load(), 0);
}

TEST_F(HostedPortTest, AWakeupRequestDuringARunCausesAnother) {
  worker.on_run = [&](int run) {
    if (run == 1) std::thread([&] { port.wake_at(port.now()); }).join();
  };
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  port.wake_at(port.now());
  worker.await(2);
  std::this_thread::sleep_for(10ms);
  EXPECT_EQ(worker.runs.load(), 2);
}

TEST_F(HostedPortTest, AnEarlierWakeupRequestDuringARunBeatsTheWorkersAnswer) {
  worker.answer = (port.now() + kLong).raw;
  worker.on_run = [&](int run) {
    if (run == 1) port.wake_at(port.now() + milliseconds(5));
  };
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  port.wake_at(port.now());
  worker.await(2);
}

TEST_F(HostedPortTest, RunsAgainAtTheWorkersOwnDeadline) {
  worker.on_run = [&](int run) { worker.answer = run < 3 ? (port.now() + milliseconds(2)).raw : kNever.raw; };
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  port.wake_at(port.now());
  worker.await(3);
  std::this_thread::sleep_for(10ms);
  EXPECT_EQ(worker.runs.load(), 3);
}

TEST_F(HostedPortTest, StopsWhileSleepingForeverAndForLong) {
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  port.stop();
  port.wake_at(port.now() + kLong);
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  std::this_thread::sleep_for(10ms);
  port.stop();
  port.stop();
  EXPECT_FALSE(port.started());
  EXPECT_EQ(worker.runs.load(), 0);
}

TEST_F(HostedPortTest, AWakeupRequestMadeWhileStoppedCountsAtTheNextStart) {
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  port.stop();
  port.wake_at(port.now());
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  worker.await(1);
}

TEST_F(HostedPortTest, StopWaitsForTheRun) {
  std::atomic<bool> running{false};
  worker.on_run = [&](int) {
    running = true;
    std::this_thread::sleep_for(30ms);
  };
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  port.wake_at(port.now());
  while (!running) std::this_thread::yield();
  port.stop();
  EXPECT_EQ(worker.runs.load(), 1);
}

TEST_F(HostedPortTest, StopsIfTheWorkerWouldStopItself) {
  EXPECT_DEATH(
      {
        worker.on_run = [&](int) { port.stop(); };
        static_cast<void>(port.start(worker_of(worker)));
        port.wake_at(port.now());
        worker.await(1);
      },
      "call it from another thread");
}

TEST_F(HostedPortTest, NoWorkIsLostUnderManyWakeupRequests) {
  std::atomic<std::uint64_t> work{0};
  std::uint64_t done = 0;  // only the worker uses it until it has stopped
  worker.on_run = [&](int) { done += work.exchange(0, std::memory_order_relaxed); };
  ASSERT_EQ(port.start(worker_of(worker)), Status::Ok);
  constexpr std::uint64_t kThreads = 3, kPieces = 5'000;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < kPieces; ++i) {
        work.fetch_add(1, std::memory_order_relaxed);
        port.wake_at(port.now());
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 10'000 && work.load(std::memory_order_relaxed) != 0; ++i)
    std::this_thread::sleep_for(1ms);
  port.stop();
  EXPECT_EQ(done, kThreads * kPieces);
}

}  // namespace
}  // namespace fallow::detail
