// The scenarios that both ring formats share. `Ring` is a RingPair.
#pragma once

#include "tests/explore/world/ring_pair.h"
#include "tests/explore/world/scenario.h"

namespace fallow::explore {

// The device polls, so that only the ring carries the chain across.
template <class Ring>
void chain_arrives(const RingShape& shape) {
  Ring& ring = state<Ring>(shape);
  ring.round();
  const unsigned early = declare_goal("the device looks before the chain is there");
  thread([&ring] { ring.add(); });
  thread([&ring, early] {
    while (!ring.pop()) {
      reached(early);
      engine().wait();
    }
  });
}

template <class Ring>
void chain_comes_back() {
  Ring& ring = state<Ring>(RingShape{});
  ring.round();
  ring.add();
  ring.pop();
  const unsigned early = declare_goal("the driver looks before the chain is back");
  thread([&ring] { ring.push(); });
  thread([&ring, early] {
    while (!ring.take()) {
      reached(early);
      engine().wait();
    }
  });
}

// The device has served a chain, and has not yet requested notification of the next one.
template <class Ring>
void device_is_kicked(const RingShape& shape) {
  Ring& ring = state<Ring>(shape);
  ring.round();
  const unsigned slept = declare_goal("the device sleeps");
  const unsigned looked = declare_goal("the device asks to be kicked, and finds the chain");
  const unsigned saved = declare_goal("the device does not sleep");
  thread([&ring] {
    ring.add();
    ring.kick();
  });
  thread([&ring] { ring.serve(1); });
  at_end([&ring, slept, looked, saved] {
    reached(slept, ring.device_doorbell.sleeps() != 0);
    reached(looked, ring.device_looked_again != 0);
    reached(saved, ring.device_doorbell.sleeps() == 0);
    if (!ring.take()) engine().fail("the chain did not come back");
  });
}

template <class Ring>
void driver_is_notified(const RingShape& shape) {
  Ring& ring = state<Ring>(shape);
  ring.round();
  ring.add();
  ring.pop();
  const unsigned slept = declare_goal("the driver sleeps");
  const unsigned looked = declare_goal("the driver asks to be notified, and finds the chain");
  const unsigned saved = declare_goal("the driver does not sleep");
  thread([&ring] {
    ring.push();
    ring.notify();
  });
  thread([&ring] { ring.drive(1); });
  at_end([&ring, slept, looked, saved] {
    reached(slept, ring.driver_doorbell.sleeps() != 0);
    reached(looked, ring.driver_looked_again != 0);
    reached(saved, ring.driver_doorbell.sleeps() == 0);
  });
}

// Adds more chains than fit at once, so that buffers and descriptors are reused. Both ends sleep.
template <class Ring>
void both_sleep(const RingShape& shape, unsigned chains) {
  Ring& ring = state<Ring>(shape);
  ring.round();
  const unsigned both = declare_goal("both ends sleep in one schedule");
  const unsigned looked = declare_goal("an end requests a notification and finds a chain");
  thread([&ring, chains] { ring.drive(chains); });
  thread([&ring, chains] { ring.serve(chains); });
  at_end([&ring, both, looked] {
    reached(both, ring.driver_doorbell.sleeps() != 0 && ring.device_doorbell.sleeps() != 0);
    reached(looked, ring.driver_looked_again + ring.device_looked_again != 0);
    if (ring.driver().in_flight() != 0) engine().fail("a chain did not come back");
  });
}

}  // namespace fallow::explore
