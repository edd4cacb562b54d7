// A virtio device in the arena that answers every chain, and the driver's ends: one for each queue.
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/virtio/device/virtio_device.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "fallow/virtio/transport/in_process_transport.h"
#include "tests/explore/engine/engine.h"
#include "tests/explore/world/model_port.h"

namespace fallow::explore {

class EchoDevice final : public VirtioDevice {
 public:
  static constexpr std::uint16_t kQueues = 2, kQueueSize = 2;

  EchoDevice(const GuestMemory& memory, DriverNotifier& notifier)
      : VirtioDevice(memory, notifier, kFeatureVersion1 | kFeatureEventIdx, kQueues, kQueueSize, rooms_) {}

  // Changes a configuration field on the device's side.
  void change(std::uint32_t to) {
    field_.store(to, std::memory_order_relaxed);
    change_config();
  }
  std::uint32_t field() const { return field_.load(std::memory_order_relaxed); }
  unsigned served() const { return served_; }
  // The thread that last served a queue.
  unsigned server(std::uint16_t queue) const { return server_[queue]; }

 private:
  // The answer to a request is the next number.
  bool serve(std::uint16_t queue, const Chain& chain, std::uint32_t& written) noexcept override {
    auto* const buffer = reinterpret_cast<std::uint64_t*>(
        memory().translate(chain.buffers[0].address, {sizeof(std::uint64_t)}));
    engine().plain(buffer, sizeof *buffer, true, "the device's access of a buffer");
    ++*buffer;
    ++served_;
    server_[queue] = engine().self();
    written = sizeof *buffer;
    return true;
  }
  std::uint32_t config_size() const noexcept override { return 0; }
  void read_config_field(std::uint32_t, std::span<std::byte>) noexcept override {}
  bool write_config_field(std::uint32_t, std::span<const std::byte>) noexcept override { return false; }

  detail::QueueBuffer rooms_[kQueues * kQueueSize];
  std::atomic<std::uint32_t> field_{0};
  unsigned served_ = 0, server_[kQueues] = {};
};

// Runs both ends on whatever thread notifies.
class EchoWorld final : public DeviceCalls {
 public:
  EchoWorld();

  // ---- The driver's thread, one for each queue. ----

  // Adds a chain, and notifies the device if the device requested notification.
  void send(std::uint16_t queue);
  // Takes the chain back. Returns false if it has not been returned.
  bool take(std::uint16_t queue);
  // Sleeps until the chain has been returned.
  void wait_for(std::uint16_t queue);

  InProcessTransport transport{port_, {}, {}};
  EchoDevice device{map_, transport};
  unsigned told_of_config = 0, told_of_queue[EchoDevice::kQueues] = {};
  bool slept[EchoDevice::kQueues] = {};

 private:
  struct Client {
    detail::SplitDriverQueue queue;
    std::uint64_t* buffer = nullptr;
    std::uint64_t sent = 0;
    std::atomic<bool> doorbell{false};
  };
  static constexpr std::uint64_t kBase = 0x10000, kShare = 4096;

  // Relaxed: the ring itself orders the device's writes.
  void queue_used(std::uint16_t queue) noexcept override {
    ++told_of_queue[queue];
    clients_[queue].doorbell.store(true, std::memory_order_relaxed);
  }
  void config_changed() noexcept override { ++told_of_config; }

  ModelPort port_;
  GuestMemory map_;
  Client clients_[EchoDevice::kQueues];
};

inline EchoWorld::EchoWorld() {
  const DriverQueueConfig config{EchoDevice::kQueueSize, {.event_index = true}};
  const ByteCount all{kShare * EchoDevice::kQueues};
  auto* const memory = static_cast<std::byte*>(arena().allocate(all.raw, 4096));
  const GuestRegion region{{kBase}, all, memory};
  bool good = map_.assign({&region, 1}) == Status::Ok;
  transport.attach(device);
  transport.set_calls(this);
  constexpr std::uint8_t kSoFar = kStatusAcknowledge | kStatusDriver;
  transport.set_status(kSoFar);
  transport.accept(kFeatureVersion1 | kFeatureEventIdx);
  transport.set_status(kSoFar | kStatusFeaturesOk);
  for (std::uint16_t q = 0; q < EchoDevice::kQueues; ++q) {
    Client& client = clients_[q];
    const std::uint64_t at = kShare * q;
    const std::uint64_t size = DriverQueue::own_size(config).raw;
    auto* const own = static_cast<std::byte*>(arena().allocate(size));
    client.buffer = reinterpret_cast<std::uint64_t*>(memory + at + kShare - 64);
    good = good &&
           client.queue.start(config, {memory + at, {kBase + at}, {kShare - 64}}, {own, size}) == Status::Ok;
    good = good && transport.start_queue(q, client.queue.addresses()) == Status::Ok;
  }
  transport.set_status(kSoFar | kStatusFeaturesOk | kStatusDriverOk);
  if (!good || transport.status() != (kSoFar | kStatusFeaturesOk | kStatusDriverOk))
    engine().fail("the scenario's device does not start");
}

inline void EchoWorld::send(std::uint16_t queue) {
  Client& client = clients_[queue];
  const detail::QueueBuffer buffer{{kBase + kShare * queue + kShare - 64}, sizeof *client.buffer, true};
  engine().plain(client.buffer, sizeof *client.buffer, true, "the driver's write of a buffer");
  client.sent = *client.buffer = 10 * (queue + 1U);
  if (client.queue.add({&buffer, 1}, queue) != Status::Ok) engine().fail("a chain is not added");
  if (client.queue.take_kick()) transport.notify(queue);
}

inline bool EchoWorld::take(std::uint16_t queue) {
  Client& client = clients_[queue];
  Used used;
  if (client.queue.take(used) != Taken::Used) return false;
  engine().plain(client.buffer, sizeof *client.buffer, false, "the driver's read of a buffer");
  if (used.token != queue || used.length != sizeof *client.buffer || *client.buffer != client.sent + 1)
    engine().fail("the driver does not see the device's answer");
  return true;
}

inline void EchoWorld::wait_for(std::uint16_t queue) {
  Client& client = clients_[queue];
  while (!take(queue)) {
    if (client.queue.ask_for_notifications(true)) continue;
    slept[queue] = true;
    while (!client.doorbell.exchange(false, std::memory_order_relaxed)) engine().wait();
  }
}

}  // namespace fallow::explore
