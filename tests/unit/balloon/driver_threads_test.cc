// Guest and host on separate threads: reports, the balloon, the device and its notifications.
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "tests/support/balloon_pair.h"

namespace fallow::detail {
namespace {

// Wakes a thread, which runs a function for each ring of the bell.
class RungThread {
 public:
  template <class Run>
  explicit RungThread(Run run)
      : thread_([this, run] {
          for (std::uint32_t seen = 0; !stopping_;) {
            rings_.wait(seen);
            seen = rings_.load();
            run();
          }
        }) {}
  void stop() {
    stopping_ = true;
    ring(this);
    thread_.join();
  }
  static void ring(void* self) noexcept {
    auto& rings = static_cast<RungThread*>(self)->rings_;
    rings.fetch_add(1);
    rings.notify_one();
  }

 private:
  std::atomic<std::uint32_t> rings_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// A doorbell that wakes the thread that is attached to it later.
struct WakingDoorbell {
  std::atomic<RungThread*> thread{nullptr};
  static void ring(void* self) noexcept {
    if (RungThread* const rung = static_cast<WakingDoorbell*>(self)->thread.load()) RungThread::ring(rung);
  }
  Doorbell doorbell() { return {ring, this}; }
};

class Machine {
 public:
  explicit Machine(Features rings) : pair_(config(rings)) {
    pair_.record_completions = false;
    pair_.rig.port.on_relax({[](void*) { std::this_thread::yield(); }, nullptr});
    to_device_.thread = &device_;
    to_driver_.thread = &calls_;
    EXPECT_EQ(pair_.driver.probe(), Status::Ok);
    worker_ = std::thread([this] { work(); });
  }
  ~Machine() {
    pair_.unregister();
    working_ = false;
    worker_.join();
    pair_.driver.remove();
    device_.stop();
    calls_.stop();
    pair_.rig.box().expect_whole(mebibytes(32).raw);
  }

  BalloonPair& pair() { return pair_; }
  // A task for the thread of work(), which runs it once.
  std::atomic<int> errand{0};

  // Uses memory until `enough` returns true, which is called now and then.
  template <class Enough>
  void until(Enough enough) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    bool done = false;
    while (!done && std::chrono::steady_clock::now() < end) {
      use_memory(40);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      done = enough();
    }
    EXPECT_TRUE(done) << "the condition did not become true within 30 seconds";
  }

 private:
  // Allocates, writes, checks and frees.
  void use_memory(std::uint64_t rounds) {
    LocalCache& cache = pair_.rig.cache();
    std::vector<std::pair<Pfn, Order>> held;
    const auto release = [&] {
      std::swap(held[random_() % held.size()], held.back());
      const auto [pfn, order] = held.back();
      held.pop_back();
      for (std::uint64_t f = 0; f < frames(order).raw; ++f) ASSERT_EQ(stamp(pfn, f), pfn.raw + f + 1);
      ASSERT_EQ(cache.free(pfn, order), Status::Ok);
    };
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const Order order{static_cast<std::uint8_t>(random_() % 2 == 0 ? 9 : random_() % 5)};
      const Allocation a = cache.allocate(order);
      if (a.ok()) {
        for (std::uint64_t f = 0; f < frames(order).raw; ++f) stamp(a.pfn, f) = a.pfn.raw + f + 1;
        held.emplace_back(a.pfn, order);
      }
      while (held.size() > 8 || (!a.ok() && !held.empty())) release();
    }
    while (!held.empty()) release();
    cache.drain();
  }

  BalloonPair::Config config(Features rings) {
    BalloonPair::Config c;
    c.frames = mebibytes(32);
    c.driver.features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom | kBalloonFreePageHint |
                        kBalloonPageReporting | rings;
    c.driver.in_flight = 4;
    c.driver.capacity = 4;
    c.to_device = to_device_.doorbell();
    c.to_driver = to_driver_.doorbell();
    return c;
  }
  void work() {
    FakePort& port = pair_.rig.port;
    while (working_) {
      port.advance_to(port.now() + Nanoseconds{50'000});
      switch (errand.exchange(0)) {
        case 1:
          static_cast<void>(pair_.driver.recover());
          break;
        case 2:
          static_cast<void>(pair_.driver.reset_reporting_queue());
          break;
        case 3:
          pair_.driver.deflate_on_oom({300});
          break;
        default:
          break;
      }
      if (port.take_if_due()) {
        const Nanoseconds reporter = pair_.rig.reporter().run(), driver = pair_.driver.work();
        port.wake_at(reporter < driver ? reporter : driver);
      }
      std::this_thread::yield();
    }
  }
  std::uint64_t& stamp(Pfn pfn, std::uint64_t i) {
    return *reinterpret_cast<std::uint64_t*>(pair_.host(address_of(pfn + PfnCount{i})));
  }

  WakingDoorbell to_device_, to_driver_;
  BalloonPair pair_;
  std::mt19937 random_{7};
  RungThread device_{[this] { pair_.transport.run_device(); }};
  RungThread calls_{[this] { pair_.transport.run_driver(); }};
  std::atomic<bool> working_{true};
  std::thread worker_;
};

class DriverThreads : public ::testing::TestWithParam<Features> {};

TEST_P(DriverThreads, ReportsWhileMemoryIsUsed) {
  Machine machine(GetParam());
  HwmPolicy policy(kOrder9, 1);
  machine.pair().register_driver(policy);
  machine.until([&] { return machine.pair().driver.stats().requests > 30; });
  EXPECT_EQ(machine.pair().driver.stats().ring_faults, 0u);
}

// Resets of the device and of its queue, unregistering, and a changing balloon, all concurrent.
TEST_P(DriverThreads, DisturbedAllTheTime) {
  Machine machine(GetParam());
  BalloonPair& pair = machine.pair();
  HwmPolicy policy(kOrder9, 1);
  std::atomic<bool> done{false};
  std::thread host([&] {
    std::mt19937 random(3);
    while (!done) {
      pair.set_target({random() % 3000});
      pair.transport.with_device([&] {
        static_cast<void>(pair.device().request_statistics());
        if (random() % 4 == 0) static_cast<void>(pair.device().start_hinting());
        if (random() % 4 == 0) pair.device().finish_hinting();
      });
      machine.errand = static_cast<int>(random() % 4);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    pair.transport.with_device([&] { pair.device().finish_hinting(); });
  });
  machine.until([&] {
    pair.unregister();
    pair.register_driver(policy);
    return pair.driver.stats().resets > 5 && pair.driver.stats().requests > 30;
  });
  done = true;
  host.join();
  EXPECT_EQ(pair.driver.stats().ring_faults, 0u);
}

INSTANTIATE_TEST_SUITE_P(Rings, DriverThreads,
                         ::testing::Values(0, kFeatureIndirectDesc | kFeatureEventIdx | kFeatureRingReset,
                                           kRingFeatures));

}  // namespace
}  // namespace fallow::detail
