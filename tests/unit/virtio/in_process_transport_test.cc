#include "fallow/virtio/transport/in_process_transport.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <span>
#include <thread>
#include <vector>

#include "fallow/host/hosted_port.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "tests/support/ring_box.h"

namespace fallow::detail {
namespace {

constexpr std::uint16_t kSize = 64;

// A device with two queues, which returns each chain at once or keeps it.
class ProbeDevice final : public VirtioDevice {
 public:
  ProbeDevice(const GuestMemory& memory, DriverNotifier& notifier)
      : VirtioDevice(memory, notifier, kFeatureVersion1 | kFeatureRingReset, 2, kSize, room) {}

  void change() { change_config(); }

  std::vector<std::uint16_t> served;
  std::function<void()> while_serving;

 protected:
  bool serve(std::uint16_t queue, const Chain&, std::uint32_t& written) noexcept override {
    served.push_back(queue);
    if (while_serving) while_serving();
    written = 0;
    return true;
  }
  std::uint32_t config_size() const noexcept override { return 8; }
  void read_config_field(std::uint32_t offset, std::span<std::byte> into) noexcept override {
    for (std::size_t i = 0; i < into.size(); ++i) into[i] = config[offset + i];
  }
  bool write_config_field(std::uint32_t offset, std::span<const std::byte> from) noexcept override {
    for (std::size_t i = 0; i < from.size(); ++i) config[offset + i] = from[i];
    return true;
  }

 private:
  std::array<std::byte, 8> config{};
  static inline std::array<QueueBuffer, 2 * kSize> room;
};

// A minimal driver of both queues.
class ProbeDriver final : public DeviceCalls {
 public:
  explicit ProbeDriver(Port& port) : transport(port, {}, {}) { set_up(); }
  ProbeDriver(Port& port, Doorbell to_device, Doorbell to_driver) : transport(port, to_device, to_driver) {
    set_up();
  }

  void queue_used(std::uint16_t queue) noexcept override {
    EXPECT_FALSE(inside) << "a call was nested in another call";
    inside = true;
    calls.push_back(queue);
    Used used;
    while (queues[queue].take(used) == Taken::Used) ++taken;
    if (on_used) on_used();
    inside = false;
  }
  void config_changed() noexcept override { ++config_changes; }

  void add(std::uint16_t queue) {
    const QueueBuffer buffer{box.base(), 16, false};
    ASSERT_EQ(queues[queue].add({&buffer, 1}, 1), Status::Ok);
    if (queues[queue].take_kick()) transport.notify(queue);
  }

  GuestBox box{64 * 1024};
  InProcessTransport transport;
  ProbeDevice device{box.map(), transport};
  SplitDriverQueue queues[2];
  std::vector<std::uint16_t> calls;
  std::function<void()> on_used;
  std::atomic<int> taken{0}, config_changes{0};
  bool inside = false;

 private:
  void set_up() {
    transport.attach(device);
    transport.set_calls(this);
    transport.set_status(kStatusAcknowledge);
    transport.set_status(kStatusAcknowledge | kStatusDriver);
    transport.accept(kFeatureVersion1 | kFeatureRingReset);
    transport.set_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk);
    for (std::uint16_t q = 0; q < 2; ++q) {
      const DriverQueueConfig config{kSize, {}, 0, 0};
      const std::uint64_t size = whole_pages(SplitDriverQueue::shared_size(config));
      own[q].resize(SplitDriverQueue::own_size(config).raw / 8 + 1);
      const SharedMemory shared{
          box.at(box.base() + ByteCount{q * size}), box.base() + ByteCount{q * size}, {size}};
      EXPECT_EQ(queues[q].start(config, shared, std::as_writable_bytes(std::span(own[q]))), Status::Ok);
      EXPECT_EQ(transport.start_queue(q, queues[q].addresses()), Status::Ok);
    }
    transport.set_status(kStatusAcknowledge | kStatusDriver | kStatusFeaturesOk | kStatusDriverOk);
  }
  std::vector<std::uint64_t> own[2];
};

TEST(InProcessInline, AChainIsBackWhenNotifyReturns) {
  HostedPort port;
  ProbeDriver driver(port);
  driver.add(1);
  EXPECT_EQ(driver.taken, 1);
  EXPECT_EQ(driver.device.served, std::vector<std::uint16_t>{1});
  EXPECT_EQ(driver.transport.counts().to_device, 1u);
  EXPECT_EQ(driver.transport.counts().to_driver, 1u);
}

TEST(InProcessInline, NeitherSideIsEnteredTwice) {
  HostedPort port;
  ProbeDriver driver(port);
  int more = 3;
  driver.on_used = [&] {
    if (more-- > 0) driver.add(0);  // its notification waits until this call returns
  };
  bool serving = false;
  driver.device.while_serving = [&] {
    EXPECT_FALSE(serving);
    serving = true;
    driver.transport.config_changed();  // this notification waits until the device has finished
    EXPECT_EQ(driver.config_changes + 1, static_cast<int>(driver.device.served.size()));
    serving = false;
  };
  driver.add(0);
  EXPECT_EQ(driver.taken, 4);
  EXPECT_EQ(driver.config_changes, 4);
}

TEST(InProcessInline, TheHostMayChangeTheConfiguration) {
  HostedPort port;
  ProbeDriver driver(port);
  driver.transport.with_device([&] {
    driver.device.change();
    EXPECT_EQ(driver.config_changes, 0) << "the call came while the device's lock was held";
  });
  EXPECT_EQ(driver.config_changes, 1);
  EXPECT_EQ(driver.transport.with_device([] { return 7; }), 7);
}

TEST(InProcessDeathTest, StopsWithoutADeviceAndWithinTheDevice) {
  HostedPort port;
  InProcessTransport bare(port, {}, {});
  EXPECT_DEATH(static_cast<void>(bare.status()), "call attach\\(\\) before any other function");
  ProbeDriver driver(port);
  EXPECT_DEATH(driver.transport.with_device([&] { static_cast<void>(driver.transport.status()); }),
               "called from within the device");
}

TEST(InProcess, DoorbellsRingAndNothingElseHappens) {
  HostedPort port;
  int device_rings = 0, driver_rings = 0;
  const auto count = [](void* context) noexcept { ++*static_cast<int*>(context); };
  ProbeDriver driver(port, {count, &device_rings}, {count, &driver_rings});
  driver.add(0);
  EXPECT_EQ(device_rings, 1);
  EXPECT_TRUE(driver.device.served.empty());
  driver.transport.run_device();
  EXPECT_EQ(driver.device.served.size(), 1u);
  EXPECT_EQ(driver_rings, 1);
  EXPECT_EQ(driver.taken, 0);
  driver.transport.run_driver();
  EXPECT_EQ(driver.taken, 1);
}

TEST(InProcess, ConfigurationGoesThrough) {
  HostedPort port;
  ProbeDriver driver(port);
  const std::array<std::byte, 2> in{std::byte{1}, std::byte{2}};
  driver.transport.write_config(3, in);
  std::array<std::byte, 4> out{};
  driver.transport.read_config(2, out);
  EXPECT_EQ(out, (std::array<std::byte, 4>{std::byte{0}, std::byte{1}, std::byte{2}, std::byte{0}}));
  EXPECT_EQ(driver.transport.max_queue_size(1), kSize);
  EXPECT_EQ(driver.transport.max_queue_size(2), 0);
}

TEST(InProcess, QueuesThatThereAreNotAreCountedByTheDevice) {
  HostedPort port;
  ProbeDriver driver(port);
  driver.transport.notify(2);
  driver.transport.notify(0xffff);
  EXPECT_EQ(driver.device.mistakes().kicks, 2u);
  EXPECT_EQ(driver.transport.start_queue(5, {}), Status::Failed);
}

// 2.4.2: a queue that was kicked before a reset is not served after it.
TEST(InProcess, AResetForgetsKicks) {
  HostedPort port;
  const auto nothing = [](void*) noexcept {};
  ProbeDriver driver(port, {nothing, nullptr}, {nothing, nullptr});
  driver.add(0);
  driver.transport.set_status(0);
  EXPECT_EQ(driver.transport.status(), 0);
  driver.transport.run_device();
  EXPECT_TRUE(driver.device.served.empty());
  EXPECT_EQ(driver.device.mistakes().kicks, 0u);
}

// 2.6.1: a queue that was reset is not served.
TEST(InProcess, AQueueIsResetByItself) {
  HostedPort port;
  const auto nothing = [](void*) noexcept {};
  ProbeDriver driver(port, {nothing, nullptr}, {nothing, nullptr});
  driver.add(0);
  driver.add(1);
  ASSERT_EQ(driver.transport.reset_queue(0), Status::Ok);
  driver.transport.run_device();
  EXPECT_EQ(driver.device.served, std::vector<std::uint16_t>{1});
}

TEST(InProcess, AFullQueueTakesSeveralGoes) {
  HostedPort port;
  const auto nothing = [](void*) noexcept {};
  ProbeDriver driver(port, {nothing, nullptr}, {nothing, nullptr});
  for (int i = 0; i < kSize - 1; ++i) driver.add(0);
  driver.add(1);
  driver.transport.run_device();
  ASSERT_EQ(driver.device.served.size(), std::size_t{kSize});
  // The other queue was served after one chain of this one.
  EXPECT_EQ(driver.device.served[InProcessTransport::kBudget], 1);
}

// Two threads, with doorbells that wake them; no kick and no notification is lost (MO-16, MO-17).
TEST(InProcessThreads, EveryChainComesBack) {
  constexpr int kChains = 20000;
  struct Flag {
    std::atomic<std::uint32_t> rung{0};
    static void ring(void* context) noexcept {
      auto& self = *static_cast<Flag*>(context);
      self.rung.fetch_add(1);
      self.rung.notify_one();
    }
    Doorbell doorbell() { return {ring, this}; }
  } to_device, to_driver;
  HostedPort port;
  ProbeDriver driver(port, to_device.doorbell(), to_driver.doorbell());
  std::atomic<bool> stop{false};
  const auto runs = [&](Flag& flag, auto run) {
    return std::thread([&, run] {
      for (std::uint32_t seen = 0; !stop;) {
        flag.rung.wait(seen);
        seen = flag.rung.load();
        run();
      }
    });
  };
  std::atomic<bool> idle{true};
  driver.on_used = [&] { idle.store(true); };
  std::thread device = runs(to_device, [&] { driver.transport.run_device(); });
  std::thread calls = runs(to_driver, [&] { driver.transport.run_driver(); });
  for (int i = 0; i < kChains; ++i) {
    idle.store(false);
    driver.add(static_cast<std::uint16_t>(i % 2));
    while (!idle.load()) {
      static_cast<void>(driver.transport.status());  // accesses registers throughout
      port.relax();
    }
  }
  EXPECT_EQ(driver.taken, kChains);
  driver.transport.set_calls(nullptr);
  stop = true;
  Flag::ring(&to_device);
  Flag::ring(&to_driver);
  device.join();
  calls.join();
}

// set_calls(nullptr) waits for the call in progress, and no call comes later.
TEST(InProcessThreads, NoCallAfterTheCallsAreTaken) {
  HostedPort port;
  const auto nothing = [](void*) noexcept {};
  ProbeDriver driver(port, {nothing, nullptr}, {nothing, nullptr});
  std::atomic<int> step{0};
  driver.on_used = [&] {
    step = 1;
    while (step != 2) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    step = 3;
  };
  driver.add(0);
  driver.transport.run_device();
  std::thread calls([&] { driver.transport.run_driver(); });
  while (step != 1) std::this_thread::yield();
  step = 2;
  driver.transport.set_calls(nullptr);
  EXPECT_EQ(step, 3);
  calls.join();
  driver.add(0);
  driver.transport.run_device();
  driver.transport.run_driver();
  EXPECT_EQ(driver.calls.size(), 1u);
}

}  // namespace
}  // namespace fallow::detail
