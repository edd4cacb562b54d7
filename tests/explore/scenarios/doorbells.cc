// Doorbells between a driver and a device of one process: MO-16, MO-17, and the pairs of the transport.
#include "fallow/platform/detail/spin_lock.h"
#include "tests/explore/world/echo_device.h"
#include "tests/explore/world/scenario.h"

namespace fallow::explore {

FALLOW_SCENARIO(TwoKicksOfOneDevice, "MO-16: a kick that arrives while the device runs is served") {
  EchoWorld& w = state<EchoWorld>();
  const unsigned both = declare_goal("one thread serves both queues");
  for (std::uint16_t q = 0; q < 2; ++q) thread([&w, q] { w.send(q); });
  at_end([&w, both] {
    reached(both, w.device.server(0) == w.device.server(1));
    for (std::uint16_t q = 0; q < 2; ++q) {
      if (!w.take(q)) engine().fail("a kick was lost");
    }
    if (w.transport.counts().to_device != 2) engine().fail("two kicks are not counted as two");
  });
}

FALLOW_SCENARIO(TwoDriversOfOneDevice,
                "MO-16, MO-17: sleeping drivers are notified, whichever thread runs the device") {
  EchoWorld& w = state<EchoWorld>();
  const unsigned slept = declare_goal("a driver sleeps");
  for (std::uint16_t q = 0; q < 2; ++q) {
    thread([&w, q] {
      w.send(q);
      w.wait_for(q);
    });
  }
  at_end([&w, slept] { reached(slept, w.slept[0] || w.slept[1]); });
}

namespace {

// Notifications of two queues, each with data in plain memory that was written before.
struct NewsWorld final : DeviceCalls {
  void add(std::uint16_t queue) {
    engine().plain(&written[queue], sizeof(unsigned), true, "the data of the notification");
    written[queue] = 1;
    news.add(detail::PendingNotifications::of(queue));
    news.pass_on();
  }
  void queue_used(std::uint16_t queue) noexcept override {
    engine().plain(&alive, sizeof alive, false, "a call");
    if (!alive) engine().fail("a call after set_calls() returned");
    engine().plain(&written[queue], sizeof(unsigned), false, "the data of the notification");
    ++told[queue];
    if (engine().concurrent()) teller[queue] = engine().self();
  }
  void config_changed() noexcept override {}

  ModelPort port;
  detail::PendingNotifications news;
  bool alive = true;
  unsigned written[2] = {}, told[2] = {}, teller[2] = {};
};

}  // namespace

FALLOW_SCENARIO(TwoPiecesOfNews, "MO-17: a notification that arrives while the driver runs is delivered") {
  NewsWorld& w = state<NewsWorld>();
  w.news.set_calls(w.port, &w);
  const unsigned one = declare_goal("one thread delivers both notifications");
  for (std::uint16_t q = 0; q < 2; ++q) thread([&w, q] { w.add(q); });
  at_end([&w, one] {
    reached(one, w.teller[0] == w.teller[1]);
    if (w.told[0] != 1 || w.told[1] != 1) engine().fail("a notification was lost or delivered twice");
  });
}

FALLOW_SCENARIO(NewsBesideTheEndOfCalls,
                "PendingNotifications::running_: no call is in progress when set_calls() returns") {
  NewsWorld& w = state<NewsWorld>();
  w.news.set_calls(w.port, &w);
  const unsigned told = declare_goal("the notification is delivered"),
                 kept = declare_goal("the notification is not delivered");
  thread([&w] { w.add(0); });
  thread([&w] {
    w.news.set_calls(w.port, nullptr);
    engine().plain(&w.alive, sizeof w.alive, true, "the end of the called object");
    w.alive = false;
  });
  at_end([&w, told, kept] {
    reached(told, w.told[0] != 0);
    reached(kept, w.told[0] == 0);
  });
}

// The notification meets set_calls(), which holds running_ without announcing it.
FALLOW_SCENARIO(NewsBesideTheBeginningOfCalls,
                "MO-17: a notification that arrives during set_calls() is delivered") {
  InProcessTransport& t = state<InProcessTransport>(state<ModelPort>(), Doorbell{}, Doorbell{});
  NewsWorld& w = state<NewsWorld>();
  const unsigned told = declare_goal("the notification is delivered"),
                 early = declare_goal("the notification comes too early");
  thread([&t] { t.queue_used(0); });
  thread([&t, &w] { t.set_calls(&w); });
  at_end([&t, &w, told, early] {
    reached(told, w.told[0] != 0);
    reached(early, w.told[0] == 0);
    const unsigned before = w.told[0];
    t.run_driver();
    if (w.told[0] != before) engine().fail("a notification was lost");
  });
}

// ---- Pairs. ----

FALLOW_SCENARIO(SectionsOfASpinLock, "SpinLock: a section sees the effects of the previous one") {
  detail::SpinLock& lock = state<detail::SpinLock>();
  ModelPort& port = state<ModelPort>();
  unsigned& plain = state<unsigned>(0U);
  std::atomic<bool>& inside = state<std::atomic<bool>>(false);
  const unsigned contended = declare_goal("a thread arrives while another holds the lock");
  for (unsigned t = 0; t < 3; ++t) {
    thread([&lock, &port, &plain, &inside, contended] {
      reached(contended, inside.load(std::memory_order_relaxed));
      const detail::SpinLock::Held held(lock, port);
      if (inside.exchange(true, std::memory_order_relaxed)) engine().fail("two threads hold the lock");
      engine().plain(&plain, sizeof plain, true, "a section's write");
      ++plain;
      inside.store(false, std::memory_order_relaxed);
    });
  }
}

FALLOW_SCENARIO(ResetBesideAKick,
                "InProcessTransport::device_lock_: a device that was reset makes no access") {
  EchoWorld& w = state<EchoWorld>();
  const unsigned served = declare_goal("the chain is served"),
                 not_served = declare_goal("the chain is not served");
  thread([&w] { w.send(0); });
  thread([&w, served, not_served] {
    w.transport.set_status(0);
    const unsigned before = w.device.served();
    reached(served, before != 0);
    reached(not_served, before == 0);
    w.transport.with_device([&w] { w.device.change(1); });
  });
}

FALLOW_SCENARIO(FieldBeforeTheGeneration,
                "VirtioDevice::generation_: a driver that reads the new number reads the new field") {
  EchoWorld& w = state<EchoWorld>();
  const unsigned seen = declare_goal("the new number is read"), old = declare_goal("the old number is read");
  thread([&w] { w.transport.with_device([&w] { w.device.change(7); }); });
  thread([&w, seen, old] {
    const std::uint32_t generation = w.device.config_generation();
    reached(generation == 0 ? old : seen);
    if (generation != 0 && w.device.field() != 7)
      engine().fail("the field of the new generation has the old value");
  });
  at_end([&w] {
    if (w.told_of_config != 1) engine().fail("the driver was not notified of the change");
  });
}

}  // namespace fallow::explore
