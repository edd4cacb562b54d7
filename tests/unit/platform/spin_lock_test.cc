#include "fallow/platform/detail/spin_lock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/fake_port.h"

namespace fallow::detail {
namespace {

TEST(SpinLock, OneAtATime) {
  FakePort port;
  SpinLock lock;
  port.on_relax({[](void*) { std::this_thread::yield(); }, nullptr});
  std::uint64_t count = 0;
  const auto add = [&] {
    for (int i = 0; i < 20000; ++i) {
      const SpinLock::Held held(lock, port);
      ++count;
    }
  };
  std::thread other(add);
  add();
  other.join();
  EXPECT_EQ(count, 40000u);
}

TEST(SpinLock, WhoWaitsRelaxes) {
  FakePort port;
  SpinLock lock;
  lock.lock(port);
  port.on_relax({[](void* held) { static_cast<SpinLock*>(held)->unlock(); }, &lock});
  lock.lock(port);
  EXPECT_EQ(port.relaxes(), 1u);
  lock.unlock();
}

TEST(SpinLock, FirstComeFirstServed) {
  FakePort port;
  SpinLock lock;
  std::vector<int> order;
  std::atomic<int> waiting{0};
  // Counts a waiter once it holds its ticket.
  struct Waiter {
    std::atomic<int>* waiting;
    bool counted = false;
  };
  lock.lock(port);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      Waiter waiter{&waiting};
      FakePort own;
      own.on_relax({[](void* context) {
                      auto& self = *static_cast<Waiter*>(context);
                      if (!self.counted) self.waiting->fetch_add(1);
                      self.counted = true;
                      std::this_thread::yield();
                    },
                    &waiter});
      lock.lock(own);
      order.push_back(i);
      lock.unlock();
    });
    while (waiting != i + 1) std::this_thread::yield();
  }
  lock.unlock();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace fallow::detail
