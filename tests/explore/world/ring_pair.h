// A ring in the arena with both ends: one thread is the driver, another the device.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "fallow/virtio/ring/device_queue.h"
#include "fallow/virtio/ring/driver_queue.h"
#include "tests/explore/engine/engine.h"

namespace fallow::explore {

struct RingShape {
  std::uint16_t size = 2;
  bool event_index = true;
  std::uint16_t elements = 1;  // of each chain: the last element is writable, the others are readable
  bool indirect = false;       // use indirect tables
  bool disarms = true;         // an end that is awake suppresses notifications
};

// A flag on which an end sleeps. The flag orders nothing, so that only the ring orders what the ends see of
// each other.
class Doorbell {
 public:
  void ring() { rung_.store(true, std::memory_order_relaxed); }
  void sleep() {
    ++sleeps_;
    while (!rung_.exchange(false, std::memory_order_relaxed)) engine().wait();
  }
  unsigned sleeps() const { return sleeps_; }

 private:
  std::atomic<bool> rung_{false};
  unsigned sleeps_ = 0;
};

// Chains are numbered in the order in which they are added, and served in that order. The content of a
// chain's buffers follows from its number, and each end checks what the other wrote. The buffers are plain
// memory, so an unordered access is a data race. A buffer is reused after a few chains, but never by the next
// chain but one, so that a stale descriptor names a wrong buffer.
template <class Driver, class Device, bool kPacked>
class RingPair {
 public:
  static constexpr std::uint16_t kMaxSize = 4;

  explicit RingPair(const RingShape& shape);

  // ---- The driver's thread. ----

  void add();
  void kick() {
    if (driver_.take_kick()) device_doorbell.ring();
  }
  // Takes the next returned chain. Returns false if there is none.
  bool take();
  // Adds chains while there is room, and sleeps until all have been returned.
  void drive(unsigned chains);

  // ---- The device's thread. ----

  // Takes the next chain. Returns false if there is none.
  bool pop();
  void push();
  void notify() {
    if (device_.take_notification()) driver_doorbell.ring();
  }
  // Serves chains, and sleeps while there are none. Like VirtioDevice::process(), it notifies when it has run
  // out of chains.
  void serve(unsigned chains);

  // Called before any thread: passes a chain to the device and back. Neither end requests notification of the
  // next one.
  void round();

  Doorbell driver_doorbell, device_doorbell;
  Driver& driver() { return driver_; }
  Device& device() { return device_; }
  unsigned added() const { return added_; }
  unsigned back() const { return back_; }
  // How often an end that had requested notification of the next chain found one, and did not sleep.
  unsigned driver_looked_again = 0, device_looked_again = 0;

 private:
  static constexpr std::uint64_t kBase = 0x10000, kStride = 16;

  struct Served {
    std::uint16_t id, slots;
    unsigned number;
  };

  // A request is the number of the chain and of the element; the answer differs from both.
  static std::uint64_t request(unsigned number, unsigned element) { return 100 * number + element; }
  static std::uint64_t answer(unsigned number) { return 100 * number + 99; }
  static std::uint32_t written(unsigned number) { return 1 + number % 8; }
  std::uint64_t& buffer(unsigned number, unsigned element) {
    return buffers_[(number % (shape_.size + 1) * shape_.elements + element) * (kStride / 8)];
  }
  detail::QueueBuffer descriptor(unsigned number, unsigned element) {
    const auto offset =
        static_cast<std::uint64_t>(reinterpret_cast<std::byte*>(&buffer(number, element)) - memory_);
    return {{kBase + offset}, 8 + number % 8, element + 1 == shape_.elements};
  }
  static std::uint64_t read(const std::uint64_t& at) {
    engine().plain(&at, sizeof at, false, "the read of a buffer");
    return at;
  }
  static void write(std::uint64_t& at, std::uint64_t value) {
    engine().plain(&at, sizeof at, true, "the write of a buffer");
    at = value;
  }

  const RingShape shape_;
  std::byte* memory_ = nullptr;
  std::uint64_t* buffers_ = nullptr;
  GuestMemory map_;
  detail::QueueBuffer room_[kMaxSize];

  Driver driver_;
  unsigned added_ = 0, back_ = 0;

  Device device_;
  unsigned popped_ = 0, pushed_ = 0;
  Served served_[kMaxSize];
};

template <class Driver, class Device, bool kPacked>
RingPair<Driver, Device, kPacked>::RingPair(const RingShape& shape) : shape_(shape) {
  DriverQueueConfig config{shape.size, {kPacked, shape.event_index, shape.indirect}};
  if (shape.indirect) {
    config.indirect_tables = shape.size;
    config.indirect_length = shape.elements;
  }
  const ByteCount ring{(Driver::shared_size(config).raw + 63) / 64 * 64};
  const ByteCount all = ring + ByteCount{(shape.size + 1U) * shape.elements * kStride};
  memory_ = static_cast<std::byte*>(arena().allocate(all.raw, 4096));
  buffers_ = reinterpret_cast<std::uint64_t*>(memory_ + ring.raw);
  const GuestRegion region{{kBase}, all, memory_};
  auto* const own = static_cast<std::byte*>(arena().allocate(Driver::own_size(config).raw));
  if (map_.assign({&region, 1}) != Status::Ok ||
      driver_.start(config, {memory_, {kBase}, ring}, {own, Driver::own_size(config).raw}) != Status::Ok ||
      device_.start(map_, driver_.addresses(), config.ring, QueuePosition::fresh(kPacked), room_) !=
          Status::Ok)
    engine().fail("the scenario's ring does not start");
}

template <class Driver, class Device, bool kPacked>
void RingPair<Driver, Device, kPacked>::add() {
  detail::QueueBuffer chain[kMaxSize];
  for (unsigned i = 0; i < shape_.elements; ++i) {
    chain[i] = descriptor(added_, i);
    write(buffer(added_, i), request(added_, i));
  }
  if (driver_.add({chain, shape_.elements}, added_) != Status::Ok) engine().fail("a chain is not added");
  ++added_;
  if (engine().tracing()) engine().note("has added a chain");
}

template <class Driver, class Device, bool kPacked>
bool RingPair<Driver, Device, kPacked>::take() {
  Used used;
  const Taken taken = driver_.take(used);
  if (taken == Taken::Broken) engine().fail(std::string("the driver found: ") + describe(driver_.fault()));
  if (taken == Taken::Nothing) return false;
  if (used.token != back_) engine().fail("a chain comes back that was not returned");
  if (used.length != written(back_)) engine().fail("the used length is not what the device wrote");
  if (read(buffer(back_, shape_.elements - 1U)) != answer(back_))
    engine().fail("the driver does not see the device's answer");
  ++back_;
  if (engine().tracing()) engine().note("has taken a chain back");
  return true;
}

template <class Driver, class Device, bool kPacked>
void RingPair<Driver, Device, kPacked>::drive(unsigned chains) {
  const unsigned slots = shape_.indirect ? 1 : shape_.elements;
  bool must_take = false;
  for (const unsigned until = back_ + chains; back_ < until;) {
    while (!must_take && added_ < until && (driver_.in_flight() + 1) * slots <= shape_.size) add();
    kick();
    if (take()) {
      must_take = false;
      continue;
    }
    if (must_take) engine().fail("the driver was told of a returned chain, but none has returned");
    must_take = driver_.ask_for_notifications(true);
    if (must_take) {
      ++driver_looked_again;
      continue;
    }
    driver_doorbell.sleep();
    if (shape_.disarms) driver_.ask_for_notifications(false);
  }
}

template <class Driver, class Device, bool kPacked>
bool RingPair<Driver, Device, kPacked>::pop() {
  Chain chain;
  const Popped popped = device_.pop(chain);
  if (popped == Popped::Broken) engine().fail(std::string("the device found: ") + describe(device_.fault()));
  if (popped == Popped::Nothing) return false;
  const unsigned number = popped_++;
  if (chain.buffers.size() != shape_.elements) engine().fail("the device sees a chain of another length");
  for (unsigned i = 0; i < shape_.elements; ++i) {
    const detail::QueueBuffer seen = chain.buffers[i], wanted = descriptor(number, i);
    if (seen.address != wanted.address || seen.length != wanted.length ||
        seen.device_writable != wanted.device_writable)
      engine().fail("the device sees a descriptor that the driver did not write for this chain");
    if (read(buffer(number, i)) != request(number, i)) engine().fail("the device does not see the request");
  }
  served_[number % kMaxSize] = {chain.id, chain.slots, number};
  if (engine().tracing()) engine().note("has taken a chain to serve");
  return true;
}

template <class Driver, class Device, bool kPacked>
void RingPair<Driver, Device, kPacked>::push() {
  const Served chain = served_[pushed_++ % kMaxSize];
  write(buffer(chain.number, shape_.elements - 1U), answer(chain.number));
  device_.push(chain.id, chain.slots, written(chain.number));
  if (engine().tracing()) engine().note("has returned a chain");
}

template <class Driver, class Device, bool kPacked>
void RingPair<Driver, Device, kPacked>::serve(unsigned chains) {
  bool must_pop = false;
  for (const unsigned until = pushed_ + chains; pushed_ < until;) {
    if (pop()) {
      must_pop = false;
      push();
      continue;
    }
    if (must_pop) engine().fail("the device was told of an available chain, but none is available");
    must_pop = device_.ask_for_kicks(true);
    if (must_pop) {
      ++device_looked_again;
      continue;
    }
    notify();
    device_doorbell.sleep();
    if (shape_.disarms) device_.ask_for_kicks(false);
  }
  notify();
}

template <class Driver, class Device, bool kPacked>
void RingPair<Driver, Device, kPacked>::round() {
  if (shape_.disarms) {
    device_.ask_for_kicks(false);
    driver_.ask_for_notifications(false);
  }
  add();
  static_cast<void>(driver_.take_kick());
  if (!pop()) engine().fail("the first chain does not arrive");
  push();
  static_cast<void>(device_.take_notification());
  if (!take()) engine().fail("the first chain does not come back");
}

}  // namespace fallow::explore
