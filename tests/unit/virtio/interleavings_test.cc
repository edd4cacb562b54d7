// Driver and device on tiny rings, over all interleavings of their steps. Each end adds or serves chains
// while it can; an end without work sleeps until the other end notifies it. Every chain must come back once,
// with its token and length, and neither end may sleep for ever.
//
// A step is one call of a queue. docs/memory-ordering.md argues what may happen within a call.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

constexpr std::uint32_t kElementBytes = 16;

struct Held {
  std::uint16_t id, slots;
  std::uint32_t chain;
};

// The state of both ends besides their queues. Has no padding, because states are compared bytewise.
struct Ends {
  std::uint32_t added = 0, back = 0;  // chains
  std::uint32_t slots = 0;            // in flight, as the driver counts
  std::uint32_t came_back = 0;        // one bit for each chain
  std::uint32_t held_count = 0;
  std::array<Held, 4> held{};
  // The driver's end.
  bool full = false, nothing_used = false, must_take = false, to_kick = false, driver_asleep = false,
       driver_may_disarm = false, driver_notified = false;
  // The device's.
  bool nothing_available = false, must_pop = false, to_notify = false, device_asleep = false,
       device_may_disarm = false, device_kicked = false;
  bool restarted = false;
  std::uint16_t reserved = 0;
};
static_assert(std::has_unique_object_representations_v<Ends>);

template <class Driver, class Device>
class Explorer {
 public:
  Explorer(const DriverQueueConfig& config, std::uint32_t chains)
      : chains_(chains), size_(config.size), ring_(config, 0) {
    buffers_.resize(chains);
    for (std::uint32_t i = 0; i < chains; ++i) {
      const std::size_t elements = 1 + i % std::min<std::size_t>(config.size, 3);
      buffers_[i].assign(elements, writable(std::uint64_t{0x1000} * i, kElementBytes));
    }
    shared_ = {ring_.box.at(ring_.box.base()), static_cast<std::size_t>(Driver::shared_size(config).raw)};
  }

  void explore() {
    if (!seen_.insert(digest()).second) return;
    const State before = save();
    bool moved = false;
    for (const Step& step : kSteps) {
      if (!(this->*step.possible)()) continue;
      moved = true;
      schedule_ += step.name;
      (this->*step.take)();
      if (testing::Test::HasFailure()) return;
      explore();
      if (testing::Test::HasFailure()) return;
      schedule_.pop_back();
      restore(before);
    }
    if (!moved) {
      EXPECT_EQ(ends_.back, chains_) << "both ends sleep although there is work";
      EXPECT_EQ(ring_.driver.in_flight(), 0u);
    }
  }
  const std::string& schedule() const { return schedule_; }
  std::size_t states() const { return seen_.size(); }

 private:
  struct State {
    Driver driver;
    Device device;
    Ends ends;
    std::vector<std::byte> shared, own;
  };
  struct Step {
    char name;
    bool (Explorer::*possible)() const;
    void (Explorer::*take)();
  };

  // ---- The driver's end. ----

  bool driver_awake() const { return !ends_.driver_asleep && !ends_.must_take && ends_.back < chains_; }
  bool may_add() const { return driver_awake() && ends_.added < chains_ && !ends_.full; }
  void add() {
    const auto& chain = buffers_[ends_.added];
    const bool room = ends_.slots + chain.size() <= size_;
    ASSERT_EQ(ring_.driver.add(chain, ends_.added), room ? Status::Ok : Status::NoMemory);
    ends_.full = !room;
    if (!room) return;
    ends_.slots += static_cast<std::uint32_t>(chain.size());
    ++ends_.added;
    ends_.to_kick = true;
  }

  bool may_kick() const { return driver_awake() && ends_.to_kick; }
  void kick() {
    ends_.to_kick = false;
    ends_.device_kicked |= ring_.driver.take_kick();
  }

  bool may_take() const {
    return !ends_.driver_asleep && ends_.back < chains_ && (ends_.must_take || !ends_.nothing_used);
  }
  void take() {
    Used used;
    const Taken taken = ring_.driver.take(used);
    ASSERT_NE(taken, Taken::Broken) << describe(ring_.driver.fault());
    ASSERT_TRUE(taken == Taken::Used || !ends_.must_take) << "the queue announced a chain";
    ends_.must_take = false;
    ends_.nothing_used = taken == Taken::Nothing;
    if (ends_.nothing_used) return;
    ASSERT_LT(used.token, ends_.added);
    ASSERT_EQ(ends_.came_back >> used.token & 1, 0u) << "a chain came back twice";
    ends_.came_back |= 1U << used.token;
    ASSERT_EQ(used.length, used.token + 1);
    ends_.slots -= static_cast<std::uint32_t>(buffers_[used.token].size());
    ++ends_.back;
    ends_.full = false;
    ASSERT_EQ(ring_.driver.in_flight(), ends_.added - ends_.back);
  }

  bool may_sleep_driver() const {
    return driver_awake() && ends_.nothing_used && !ends_.to_kick && (ends_.full || ends_.added == chains_);
  }
  void sleep_driver() {
    ends_.must_take = ring_.driver.ask_for_notifications(true);
    ends_.driver_asleep = !ends_.must_take;
  }

  bool may_wake_driver() const { return ends_.driver_asleep && ends_.driver_notified; }
  void wake_driver() {
    ends_.driver_asleep = ends_.driver_notified = ends_.nothing_used = false;
    ends_.driver_may_disarm = true;
  }

  bool may_disarm_driver() const { return driver_awake() && ends_.driver_may_disarm; }
  void disarm_driver() {
    ends_.driver_may_disarm = false;
    ring_.driver.ask_for_notifications(false);
  }

  // ---- The device's end. It may return a held chain at any time, also while it sleeps. ----

  bool may_pop() const {
    return !ends_.device_asleep && (ends_.must_pop || !ends_.nothing_available) &&
           ends_.held_count < ends_.held.size();
  }
  void pop() {
    Chain chain;
    const Popped popped = ring_.device.pop(chain);
    ASSERT_NE(popped, Popped::Broken) << describe(ring_.device.fault());
    ASSERT_TRUE(popped == Popped::Chain || !ends_.must_pop) << "the queue announced a chain";
    ends_.must_pop = false;
    ends_.nothing_available = popped == Popped::Nothing;
    if (ends_.nothing_available) return;
    const auto number = static_cast<std::uint32_t>(chain.buffers[0].address.raw / 0x1000);
    ASSERT_LT(number, ends_.added);
    ASSERT_EQ(chain.buffers.size(), buffers_[number].size());
    ends_.held[ends_.held_count++] = {chain.id, chain.slots, number};
  }

  bool may_push_first() const { return ends_.held_count > 0 && !ends_.must_pop; }
  bool may_push_last() const { return ends_.held_count > 1 && !ends_.must_pop; }
  void push_first() { push(0); }
  void push_last() { push(ends_.held_count - 1); }
  void push(std::uint32_t i) {
    const Held chain = ends_.held[i];
    for (; i + 1 < ends_.held_count; ++i) ends_.held[i] = ends_.held[i + 1];
    ends_.held[--ends_.held_count] = {};
    ring_.device.push(chain.id, chain.slots, chain.chain + 1);
    ends_.to_notify = true;
  }

  bool may_notify() const { return ends_.to_notify; }
  void notify() {
    ends_.to_notify = false;
    ends_.driver_notified |= ring_.device.take_notification();
  }

  bool may_sleep_device() const {
    return !ends_.device_asleep && !ends_.must_pop && ends_.nothing_available && !ends_.to_notify;
  }
  void sleep_device() {
    ends_.must_pop = ring_.device.ask_for_kicks(true);
    ends_.device_asleep = !ends_.must_pop;
  }

  bool may_wake_device() const { return ends_.device_asleep && ends_.device_kicked; }
  void wake_device() {
    ends_.device_asleep = ends_.device_kicked = ends_.nothing_available = false;
    ends_.device_may_disarm = true;
  }

  bool may_disarm_device() const {
    return !ends_.device_asleep && !ends_.must_pop && ends_.device_may_disarm;
  }
  void disarm_device() {
    ends_.device_may_disarm = false;
    ring_.device.ask_for_kicks(false);
  }

  // Once in a schedule, the device's end is stopped and started at its position.
  bool may_restart() const { return !ends_.restarted && !ends_.to_notify && ends_.added > 0; }
  void restart() {
    ends_.restarted = true;
    const QueuePosition position = ring_.device.position();
    ASSERT_EQ(ring_.start_device(position), Status::Ok);
  }

  static constexpr Step kSteps[] = {
      {'a', &Explorer::may_add, &Explorer::add},
      {'k', &Explorer::may_kick, &Explorer::kick},
      {'t', &Explorer::may_take, &Explorer::take},
      {'s', &Explorer::may_sleep_driver, &Explorer::sleep_driver},
      {'w', &Explorer::may_wake_driver, &Explorer::wake_driver},
      {'d', &Explorer::may_disarm_driver, &Explorer::disarm_driver},
      {'P', &Explorer::may_pop, &Explorer::pop},
      {'F', &Explorer::may_push_first, &Explorer::push_first},
      {'L', &Explorer::may_push_last, &Explorer::push_last},
      {'N', &Explorer::may_notify, &Explorer::notify},
      {'S', &Explorer::may_sleep_device, &Explorer::sleep_device},
      {'W', &Explorer::may_wake_device, &Explorer::wake_device},
      {'D', &Explorer::may_disarm_device, &Explorer::disarm_device},
      {'R', &Explorer::may_restart, &Explorer::restart},
  };

  State save() {
    const auto own = ring_.own();
    return {ring_.driver, ring_.device, ends_, {shared_.begin(), shared_.end()}, {own.begin(), own.end()}};
  }
  void restore(const State& state) {
    ring_.driver = state.driver;
    ring_.device = state.device;
    ends_ = state.ends;
    std::memcpy(shared_.data(), state.shared.data(), state.shared.size());
    std::memcpy(ring_.own().data(), state.own.data(), state.own.size());
  }

  // A digest of everything that the rest of a run depends on. Padding in the queues may make one state count
  // as two, which costs only time.
  std::size_t digest() {
    std::size_t sum = 0;
    const auto mix = [&sum](const void* bytes, std::size_t size) {
      sum = sum * 0x9e3779b97f4a7c15 + std::hash<std::string_view>()({static_cast<const char*>(bytes), size});
    };
    mix(&ring_.driver, sizeof(Driver));
    mix(&ring_.device, sizeof(Device));
    mix(&ends_, sizeof ends_);
    mix(shared_.data(), shared_.size());
    mix(ring_.own().data(), ring_.own().size());
    return sum;
  }

  const std::uint32_t chains_, size_;
  RingBox<Driver, Device> ring_;
  Ends ends_;
  std::vector<std::vector<QueueBuffer>> buffers_;
  std::span<std::byte> shared_;
  std::unordered_set<std::size_t> seen_;
  std::string schedule_;  // names of the steps so far
};

class Interleavings : public testing::TestWithParam<std::tuple<std::uint16_t, bool>> {
 protected:
  template <class Driver, class Device>
  void explore(bool packed) {
    const auto [size, event_index] = GetParam();
    Explorer<Driver, Device> explorer(
        {.size = size, .ring = {.packed = packed, .event_index = event_index, .indirect = false}},
        size == 2 ? 6 : 4);
    explorer.explore();
    EXPECT_FALSE(HasFailure()) << "after these steps: " << explorer.schedule();
    RecordProperty("states", static_cast<int>(explorer.states()));
    EXPECT_GT(explorer.states(), 1000u);
  }
};
INSTANTIATE_TEST_SUITE_P(SizesAndEventIndex, Interleavings,
                         testing::Combine(testing::Values(2, 4), testing::Bool()));

TEST_P(Interleavings, Split) { explore<SplitDriverQueue, SplitDeviceQueue>(false); }

TEST_P(Interleavings, Packed) { explore<PackedDriverQueue, PackedDeviceQueue>(true); }

}  // namespace
}  // namespace fallow::detail
