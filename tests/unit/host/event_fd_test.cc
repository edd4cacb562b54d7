#include "fallow/host/detail/event_fd.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace fallow::detail {
namespace {

using namespace std::chrono_literals;

// Counts its runs; a test can make a run take long.
struct Counter {
  std::atomic<int> runs{0};
  std::atomic<bool> hold{false};

  EventThread::Work work() {
    return {[](void* self) noexcept {
              auto& counter = *static_cast<Counter*>(self);
              counter.runs.fetch_add(1);
              while (counter.hold.load()) std::this_thread::sleep_for(1ms);
            },
            this};
  }
  void await(int count) const {
    for (int i = 0; i < 10'000 && runs.load() < count; ++i) std::this_thread::sleep_for(1ms);
    ASSERT_GE(runs.load(), count);
  }
};

TEST(EventFd, ARingBeforeTheWaitIsKeptAndSeveralAreOne) {
  const auto made = EventFd::create();
  ASSERT_TRUE(made) << made.error;
  EventFd& event = *made.object;
  event.ring();
  const Doorbell doorbell = event.doorbell();
  doorbell();
  event.wait();  // consumes both signals: the next wait() blocks, see below
  std::atomic<bool> woken{false};
  std::thread waiting([&] {
    event.wait();
    woken.store(true);
  });
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(woken.load());
  event.ring();
  waiting.join();
}

TEST(EventThread, RunsOnceForAnyNumberOfRings) {
  Counter counter;
  counter.hold.store(true);
  const auto made = EventThread::create(counter.work());
  ASSERT_TRUE(made) << made.error;
  made.object->event().ring();
  counter.await(1);
  for (int i = 0; i < 100; ++i) made.object->event().ring();
  counter.hold.store(false);
  counter.await(2);
  made.object->stop();
  EXPECT_EQ(counter.runs.load(), 2);
}

TEST(EventThread, AFlushWaitsForWhatIsUnderWay) {
  Counter counter;
  const auto made = EventThread::create(counter.work());
  made.object->flush();
  EXPECT_EQ(counter.runs.load(), 1);
  counter.hold.store(true);
  made.object->event().ring();
  counter.await(2);
  std::thread letting_go([&] {
    std::this_thread::sleep_for(20ms);
    counter.hold.store(false);
  });
  made.object->flush();
  EXPECT_FALSE(counter.hold.load());
  EXPECT_EQ(counter.runs.load(), 3);
  letting_go.join();
}

TEST(EventThread, StopsWithoutARingAndMoreThanOnce) {
  Counter counter;
  const auto made = EventThread::create(counter.work());
  made.object->stop();
  made.object->stop();
  made.object->event().ring();
  EXPECT_EQ(counter.runs.load(), 0);
}

}  // namespace
}  // namespace fallow::detail
