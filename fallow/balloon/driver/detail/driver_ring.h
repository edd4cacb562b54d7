// The driver's end of one queue of a balloon, in the negotiated format.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/driver/detail/driver_context.h"
#include "fallow/balloon/wire.h"
#include "fallow/virtio/ring/detail/packed_driver_queue.h"
#include "fallow/virtio/ring/detail/split_driver_queue.h"
#include "fallow/virtio/ring/driver_queue.h"

namespace fallow::detail {

// The memory available to a ring.
struct RingMemory {
  SharedMemory shared;
  std::span<std::byte> own;
};

// Used by one thread at a time unless a function says otherwise, as DriverQueue.
class DriverRing {
 public:
  explicit DriverRing(DriverContext& context) noexcept : context_(context) {}

  // Returns the memory sizes that suffice for both formats and for any smaller size.
  static ByteCount shared_size(const DriverQueueConfig& config) noexcept;
  static ByteCount own_size(const DriverQueueConfig& config) noexcept;

  // Starts queue `number` of the device; lowers `config.size` to the limits of the device and the format.
  // Returns Failed if the device has no such queue or rejects the queue.
  Status set_up(std::uint16_t number, DriverQueueConfig config, const RingMemory& memory) noexcept;
  // The device or the queue was reset.
  void take_down() noexcept {
    active_ = nullptr;
    number_.store(kNoQueue, std::memory_order_relaxed);
  }

  bool up() const noexcept { return active_ != nullptr; }
  std::uint16_t size() const noexcept { return size_; }
  // Returns the size that `config` leads to with a device that allows `most`.
  static std::uint16_t size_within(std::uint16_t most, const DriverQueueConfig& config) noexcept;
  // Any thread. Returns kNoQueue while the queue is not set up.
  std::uint16_t number() const noexcept { return number_.load(std::memory_order_relaxed); }
  std::uint32_t in_flight() const noexcept { return active_ == nullptr ? 0 : active_->in_flight(); }

  // Same as the functions of DriverQueue.
  Status add(std::span<const QueueBuffer> buffers, std::uint64_t token) noexcept {
    return active_ == nullptr ? Status::Failed : active_->add(buffers, token);
  }
  bool take_kick() noexcept { return active_ != nullptr && active_->take_kick(); }
  // Notifies the device. Any thread, but not with a lock held that DeviceCalls take.
  void kick() noexcept {
    const std::uint16_t queue = number();
    if (queue == kNoQueue) return;
    context_.counts.kicks.add();
    context_.transport().notify(queue);
  }
  // Adds one element and calls kick() if the device wants a notification.
  Status send(const QueueBuffer& buffer, std::uint64_t token) noexcept;

  // Takes the next returned chain. Nothing means that the device will notify the driver of the next chain. A
  // broken rule is counted and makes the driver give up the device.
  Taken take(Used& used) noexcept;

 private:
  DriverContext& context_;
  SplitDriverQueue split_;
  PackedDriverQueue packed_;
  DriverQueue* active_ = nullptr;
  std::uint16_t size_ = 0;
  std::atomic<std::uint16_t> number_{kNoQueue};
  bool rearm_ = false;  // notifications must be requested again: a chain was taken since the last request
};

}  // namespace fallow::detail
