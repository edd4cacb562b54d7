// One queue of a balloon, the driver's end, in the format that was negotiated.
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

// Where a ring may lie.
struct RingMemory {
  SharedMemory shared;
  std::span<std::byte> own;
};

// As DriverQueue: one thread at a time, but for what says otherwise.
class DriverRing {
 public:
  explicit DriverRing(DriverContext& context) noexcept : context_(context) {}

  // Sizes of memory that do for either format, and for any smaller size.
  static ByteCount shared_size(const DriverQueueConfig& config) noexcept;
  static ByteCount own_size(const DriverQueueConfig& config) noexcept;

  // Begins at queue `number` of the device; `config.size` is lowered to what the device, and the format,
  // allow. Failed: the device has no such queue, or does not take it.
  Status set_up(std::uint16_t number, DriverQueueConfig config, const RingMemory& memory) noexcept;
  // The device was reset, or the queue.
  void take_down() noexcept {
    active_ = nullptr;
    number_.store(kNoQueue, std::memory_order_relaxed);
  }

  bool up() const noexcept { return active_ != nullptr; }
  std::uint16_t size() const noexcept { return size_; }
  // The size that `config` and a device that allows `most` would lead to.
  static std::uint16_t size_within(std::uint16_t most, const DriverQueueConfig& config) noexcept;
  // Any thread; kNoQueue while it is not set up.
  std::uint16_t number() const noexcept { return number_.load(std::memory_order_relaxed); }
  std::uint32_t in_flight() const noexcept { return active_ == nullptr ? 0 : active_->in_flight(); }

  // As DriverQueue's.
  Status add(std::span<const QueueBuffer> buffers, std::uint64_t token) noexcept {
    return active_ == nullptr ? Status::Failed : active_->add(buffers, token);
  }
  bool take_kick() noexcept { return active_ != nullptr && active_->take_kick(); }
  // Notifies the device; any thread, not with a lock held that DeviceCalls take.
  void kick() noexcept {
    const std::uint16_t queue = number();
    if (queue == kNoQueue) return;
    context_.counts.kicks.add();
    context_.transport().notify(queue);
  }
  // add() of one element and, if the device wants to know, kick().
  Status send(const QueueBuffer& buffer, std::uint64_t token) noexcept;

  // The next chain that came back. Nothing: the device will notify of the next one. A broken rule is counted,
  // and makes the driver give the device up.
  Taken take(Used& used) noexcept;

 private:
  DriverContext& context_;
  SplitDriverQueue split_;
  PackedDriverQueue packed_;
  DriverQueue* active_ = nullptr;
  std::uint16_t size_ = 0;
  std::atomic<std::uint16_t> number_{kNoQueue};
  bool rearm_ = false;  // the device notifies once, and something was taken since it was asked to
};

}  // namespace fallow::detail
