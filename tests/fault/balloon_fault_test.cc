// Injects a fault at every single transport call of a balloon driver's life. In every case the zone stays
// sound, no frame is lost or handed out twice, and no memory that the guest uses changes.
#include <random>

#include "tests/support/balloon_pair.h"

namespace fallow {
namespace {

constexpr Features kRings[] = {0, kRingFeatures, kFeatureIndirectDesc | kFeatureRingReset};

enum class Way { Inline, Deferred };  // the device runs within notify(), or later

// The fault at a step.
enum class Fault {
  None,
  AsksForReset,  // and works normally after the reset
  ResetBehindTheDriversBack,
  CorruptsARing,
  FallsSilent,  // ignores every kick until it is reset
  Gone,         // permanently
};

class Life {
 public:
  Life(Way way, Features rings, Fault fault, std::uint64_t at)
      : way_(way), fault_(fault), at_(at), pair(config(way, rings)) {
    pair.meddler.at_step = [this](std::uint64_t step) { this->step(step); };
    pair.rig.port.on_relax({[](void* self) { static_cast<Life*>(self)->relax(); }, this});
  }
  ~Life() {
    quiet_ = true;
    release_all();
    pair.rig.port.on_relax({});
  }

  static constexpr int kActs = 18;

  // Lives the life up to, but not including, act `end`.
  void live(int end) {
    for (int act = 0; act < end; ++act) {
      this->act(act);
      pair.rig.box().check();
    }
  }
  void expect_whole() {
    quiet_ = true;
    release_all();
    pair.unregister();
    busy([&] { pair.expect_whole(); });
    EXPECT_EQ(pair.rig.zone().misuse().count, 0u);
  }
  bool reached() const { return pair.meddler.steps >= at_; }
  bool well() const { return pair.driver.reports(); }

 private:
  static BalloonPair::Config config(Way way, Features rings) {
    constexpr auto kNothing = [](void*) noexcept {};
    BalloonPair::Config c;
    c.frames = mebibytes(16);
    c.driver.features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom | kBalloonFreePageHint |
                        kBalloonPageReporting | rings;
    c.driver.in_flight = 3;
    c.driver.queue_size = 32;
    c.driver.capacity = 4;
    if (way == Way::Deferred) c.to_device = c.to_driver = {kNothing, nullptr};
    return c;
  }

  void act(int act) {
    switch (act) {
      case 0:
        probe();
        return pass();
      case 1:
        if (pair.driver.reports()) pair.register_driver(policy_);
        return pass();
      case 3:
        return target({1500});
      case 4:
        static_cast<void>(pair.transport.with_device([&] { return pair.device().request_statistics(); }));
        return pass();
      case 6:
        static_cast<void>(pair.transport.with_device([&] { return pair.device().start_hinting(); }));
        return pass();
      case 8:
        return target({400});
      case 9:
        pair.transport.with_device([&] { pair.device().finish_hinting(); });
        return pass();
      case 10:
        busy([&] { pair.driver.deflate_on_oom({100}); });
        return pass();
      case 11:
        busy([&] { static_cast<void>(pair.driver.reset_reporting_queue()); });
        return pass();
      case 13:
        busy([&] { static_cast<void>(pair.driver.recover()); });
        return pass();
      case 15:
        pair.unregister();
        return pass();
      case 16:
        return busy([&] { pair.driver.remove(); });
      case 17:
        probe();
        return pass();
      default:
        traffic();
        return pass();
    }
  }

  // A failed probe is retried.
  void probe() {
    busy([&] {
      for (int i = 0; i < 3 && pair.driver.probe() != Status::Ok; ++i) {
      }
    });
  }
  void target(PfnCount frames) {
    pair.set_target(frames);
    pass();
  }

  // Passes half a second, in which the device may run.
  void pass() {
    for (int i = 0; i < 50; ++i) {
      busy([&] { pair.pass_time(milliseconds(10)); });
      pump();
    }
  }
  void pump() {
    if (way_ == Way::Inline) return;
    pair.transport.run_device();
    pair.transport.run_driver();
  }
  template <class Work>
  void busy(Work work) {
    const bool before = busy_;
    busy_ = true;
    work();
    busy_ = before;
  }
  // A thread waits: time passes, and the other side makes progress.
  void relax() {
    pair.rig.port.advance_to(pair.rig.port.now() + milliseconds(20));
    pump();
    if (!busy_) busy([&] { pair.driver.work(); });
  }

  void step(std::uint64_t step) {
    if (!pair.meddler.written_status.empty() && pair.meddler.written_status.back() == 0) mend();
    if (step != at_ || quiet_) return;
    switch (fault_) {
      case Fault::None:
        return;
      case Fault::AsksForReset:
        pair.meddler.shows_too = kStatusNeedsReset;
        if (pair.meddler.calls != nullptr) pair.meddler.calls->config_changed();
        return;
      case Fault::ResetBehindTheDriversBack:
        return pair.transport.set_status(0);
      case Fault::CorruptsARing:
        for (const detail::QueueAddresses& queue : pair.meddler.queues) {
          if (queue.size == 0) continue;
          auto* const used = reinterpret_cast<detail::Le32*>(pair.host(queue.device_area));
          used->store(used->load() + 0x0700'0000);
          auto* const first = reinterpret_cast<detail::Le32*>(pair.host(queue.descriptors)) + 3;
          first->store(first->load() ^ 0x8080'0003);
        }
        return;
      case Fault::FallsSilent:
        pair.meddler.on_notify = [](std::uint16_t) {};
        return;
      case Fault::Gone:
        pair.meddler.on_notify = [](std::uint16_t) {};
        pair.meddler.shows = 0xff;
        return;
    }
  }
  void mend() {
    pair.meddler.shows_too = 0;
    if (fault_ == Fault::FallsSilent) pair.meddler.on_notify = nullptr;
  }

  // Frames in use are stamped with their number, and must keep it.
  std::uint64_t& stamp(Pfn pfn, std::uint64_t i) {
    return *reinterpret_cast<std::uint64_t*>(pair.host(address_of(pfn + PfnCount{i})));
  }
  void traffic() {
    for (int i = 0; i < 30; ++i) {
      const Order order{static_cast<std::uint8_t>(random_() % 3 == 0 ? 9 : random_() % 4)};
      const Allocation a = pair.rig.cache().allocate(order);
      if (!a.ok()) continue;
      held_.emplace_back(a.pfn, order);
      for (std::uint64_t f = 0; f < frames(order).raw; ++f) stamp(a.pfn, f) = a.pfn.raw + f + 1;
    }
    for (std::size_t i = held_.size() / 2; i > 0; --i) {
      std::swap(held_[random_() % held_.size()], held_.back());
      release_last();
    }
    pair.rig.cache().drain();
  }
  void release_last() {
    const auto [pfn, order] = held_.back();
    held_.pop_back();
    for (std::uint64_t f = 0; f < frames(order).raw; ++f)
      EXPECT_EQ(stamp(pfn, f), pfn.raw + f + 1) << "a frame in use was changed";
    EXPECT_EQ(pair.rig.cache().free(pfn, order), Status::Ok);
  }
  void release_all() {
    while (!held_.empty()) release_last();
    pair.rig.cache().drain();
  }

  const Way way_;
  const Fault fault_;
  const std::uint64_t at_;
  bool busy_ = false, quiet_ = false;
  std::mt19937 random_{42};
  std::vector<std::pair<Pfn, Order>> held_;
  HwmPolicy policy_{kOrder9, 1};

 public:
  BalloonPair pair;
};

class BalloonFault : public ::testing::TestWithParam<std::tuple<Way, Features, Fault>> {};

TEST_P(BalloonFault, AtEveryStep) {
  const auto [way, rings, fault] = GetParam();
  std::uint64_t i = 1;
  for (;; ++i) {
    SCOPED_TRACE(i);
    Life life(way, rings, fault, i);
    life.live(Life::kActs);
    const bool reached = life.reached();
    EXPECT_TRUE(life.well() || fault == Fault::Gone) << "not mended";
    life.expect_whole();
    if (!reached || fault == Fault::None || HasFailure()) break;
  }
  EXPECT_TRUE(fault == Fault::None || i > 100) << i;
}

INSTANTIATE_TEST_SUITE_P(
    Ways, BalloonFault,
    ::testing::Combine(::testing::Values(Way::Inline, Way::Deferred), ::testing::ValuesIn(kRings),
                       ::testing::Values(Fault::None, Fault::AsksForReset, Fault::ResetBehindTheDriversBack,
                                         Fault::CorruptsARing, Fault::FallsSilent, Fault::Gone)));

// The driver is removed after every act.
TEST(BalloonLife, RemovedAtAnyTime) {
  for (const Way way : {Way::Inline, Way::Deferred}) {
    for (const Features rings : kRings) {
      for (int end = 0; end <= Life::kActs; ++end) {
        Life life(way, rings, Fault::None, 0);
        life.live(end);
        life.expect_whole();
      }
    }
  }
}

// Each discard of the host fails, one after the other.
TEST(BalloonLife, EveryDiscardFails) {
  for (std::uint64_t i = 1; i < 1000; ++i) {
    Life life(Way::Inline, 0, Fault::None, 0);
    life.pair.backing.fail_at = i;
    life.live(Life::kActs);
    const bool reached = life.pair.backing.discards.size() >= i;
    life.expect_whole();
    if (!reached) break;
  }
}

}  // namespace
}  // namespace fallow
