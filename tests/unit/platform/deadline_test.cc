#include "fallow/platform/detail/deadline.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace fallow::detail {
namespace {

TEST(EarliestDeadline, StartsWithoutAWakeupRequest) {
  EarliestDeadline earliest;
  EXPECT_EQ(earliest.get(), kNever);
  EXPECT_FALSE(earliest.take_if_due(kNever));
}

TEST(EarliestDeadline, OnlyAnEarlierWakeupRequestLowersIt) {
  EarliestDeadline earliest;
  EXPECT_TRUE(earliest.lower(seconds(2)));
  EXPECT_FALSE(earliest.lower(seconds(2)));
  EXPECT_FALSE(earliest.lower(seconds(3)));
  EXPECT_FALSE(earliest.lower(kNever));
  EXPECT_TRUE(earliest.lower(seconds(1)));
  EXPECT_EQ(earliest.get(), seconds(1));
}

TEST(EarliestDeadline, IsTakenOnceAndNotBeforeItsTime) {
  EarliestDeadline earliest;
  earliest.lower(seconds(1));
  EXPECT_FALSE(earliest.take_if_due(seconds(1) - Nanoseconds{1}));
  EXPECT_TRUE(earliest.take_if_due(seconds(1)));
  EXPECT_FALSE(earliest.take_if_due(seconds(1)));
  EXPECT_EQ(earliest.get(), kNever);
}

TEST(EarliestDeadline, KeepsTheEarliestOfManyThreads) {
  EarliestDeadline earliest;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&earliest, t] {
      for (std::uint64_t i = 1000; i > 0; --i) earliest.lower(Nanoseconds{i * 4 + t});
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(earliest.get(), Nanoseconds{4});
}

// The guarantee of lower(): a request that does not lower the deadline still publishes the work before it.
TEST(EarliestDeadline, WorkMadeBeforeAWakeupRequestIsSeenAfterTheTake) {
  EarliestDeadline earliest;
  std::atomic<std::uint64_t> work{0};  // relaxed: the wakeup requests alone order it
  std::atomic<bool> done{false};
  constexpr std::uint64_t kPieces = 20'000;
  std::uint64_t found = 0;
  std::thread worker([&] {
    bool last = false;
    while (!last) {
      last = done.load(std::memory_order_acquire);
      if (earliest.take_if_due(seconds(1))) found += work.exchange(0, std::memory_order_relaxed);
    }
  });
  for (std::uint64_t i = 0; i < kPieces; ++i) {
    work.fetch_add(1, std::memory_order_relaxed);
    earliest.lower(seconds(1));
  }
  done.store(true, std::memory_order_release);
  worker.join();
  EXPECT_EQ(found, kPieces);
}

}  // namespace
}  // namespace fallow::detail
