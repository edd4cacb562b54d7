// A driver for device tests: brings the device up over real rings in guest memory, and lets the test write
// anything else there.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "fallow/base/check.h"
#include "fallow/virtio/device/virtio_device.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"

namespace fallow {

// Counts the device's notifications.
class CountingNotifier final : public DriverNotifier {
 public:
  void queue_used(std::uint16_t queue) noexcept override {
    ++used;
    last_queue = queue;
  }
  void config_changed() noexcept override { ++config; }

  std::uint64_t used = 0, config = 0;
  std::uint16_t last_queue = 0xffff;
};

class MockDriver {
 public:
  static constexpr std::uint8_t kFound = kStatusAcknowledge | kStatusDriver;

  // The rings lie consecutively from `rings` on, in `memory`.
  MockDriver(VirtioDevice& device, const GuestMemory& memory, GuestPhys rings, std::uint16_t queue_size = 16)
      : device_(device), memory_(memory), rings_(rings), queue_size_(queue_size) {}

  // Performs the handshake up to the features. Returns false if FEATURES_OK did not stick.
  bool negotiate(Features features) {
    device_.set_status(0);
    device_.set_status(kStatusAcknowledge);
    device_.set_status(kFound);
    device_.accept(features | kFeatureVersion1);
    device_.set_status(kFound | kStatusFeaturesOk);
    return (device_.status() & kStatusFeaturesOk) != 0;
  }
  void finish() { device_.set_status(kFound | kStatusFeaturesOk | kStatusDriverOk); }

  // Performs the whole handshake (3.1.1), with every queue that the device accepts.
  void bring_up(Features features) {
    FALLOW_CHECK(negotiate(features));
    for (std::uint16_t queue = 0; queue < device_.queue_count(); ++queue) static_cast<void>(set_up(queue));
    finish();
  }

  // Creates a ring and passes it to the device.
  Status set_up(std::uint16_t queue) {
    if (queues_.size() <= queue) queues_.resize(queue + 1U);
    queues_[queue] = std::make_unique<Queue>();
    Queue& q = *queues_[queue];
    q.driver = device_.has(kFeatureRingPacked) ? static_cast<DriverQueue*>(&q.packed) : &q.split;
    DriverQueueConfig config;
    config.size = queue_size_;
    config.ring = {device_.has(kFeatureRingPacked), device_.has(kFeatureEventIdx),
                   device_.has(kFeatureIndirectDesc)};
    if (config.ring.indirect) {
      config.indirect_tables = 4;
      config.indirect_length = queue_size_ < 64 ? queue_size_ : 64;
    }
    const std::uint64_t shared = (shared_size(config) + 4095) / 4096 * 4096;
    q.own.resize(own_size(config) / 8 + 1);
    const GuestPhys at = rings_ + ByteCount{queue * shared};
    std::byte* const memory = memory_.translate(at, {shared});
    FALLOW_CHECK(memory != nullptr);
    std::memset(memory, 0, shared);
    const Status made =
        q.driver->start(config, {memory, at, {shared}}, std::as_writable_bytes(std::span(q.own)));
    FALLOW_CHECK(made == Status::Ok);
    return device_.start_queue(queue, q.driver->addresses());
  }

  DriverQueue& queue(std::uint16_t queue) { return *queues_[queue]->driver; }

  // Makes a chain available without notifying the device.
  void add(std::uint16_t queue, std::span<const detail::QueueBuffer> buffers, std::uint64_t token = 0) {
    FALLOW_CHECK(this->queue(queue).add(buffers, token) == Status::Ok);
  }
  void add(std::uint16_t queue, std::initializer_list<detail::QueueBuffer> buffers, std::uint64_t token = 0) {
    add(queue, std::span(buffers.begin(), buffers.size()), token);
  }

  // Makes the device serve everything that is available.
  void kick(std::uint16_t queue) {
    while (device_.process(queue, 64)) {
    }
  }

  // Returns the next used chain, or nothing.
  std::optional<Used> take(std::uint16_t queue) {
    Used used;
    const Taken taken = this->queue(queue).take(used);
    FALLOW_CHECK(taken != Taken::Broken);
    return taken == Taken::Used ? std::optional(used) : std::nullopt;
  }

  // Passes a chain to the device and back; returns the used length.
  std::optional<std::uint32_t> exchange(std::uint16_t queue, std::span<const detail::QueueBuffer> buffers) {
    add(queue, buffers);
    kick(queue);
    const std::optional<Used> used = take(queue);
    return used ? std::optional(used->length) : std::nullopt;
  }
  std::optional<std::uint32_t> exchange(std::uint16_t queue,
                                        std::initializer_list<detail::QueueBuffer> buffers) {
    return exchange(queue, std::span(buffers.begin(), buffers.size()));
  }

 private:
  struct Queue {
    detail::SplitDriverQueue split;
    detail::PackedDriverQueue packed;
    DriverQueue* driver = nullptr;
    std::vector<std::uint64_t> own;
  };

  static std::uint64_t shared_size(const DriverQueueConfig& config) {
    return (config.ring.packed ? detail::PackedDriverQueue::shared_size(config)
                               : detail::SplitDriverQueue::shared_size(config))
        .raw;
  }
  static std::uint64_t own_size(const DriverQueueConfig& config) {
    return (config.ring.packed ? detail::PackedDriverQueue::own_size(config)
                               : detail::SplitDriverQueue::own_size(config))
        .raw;
  }

  VirtioDevice& device_;
  const GuestMemory& memory_;
  GuestPhys rings_;
  std::uint16_t queue_size_;
  std::vector<std::unique_ptr<Queue>> queues_;
};

}  // namespace fallow
