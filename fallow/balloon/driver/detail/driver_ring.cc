#include "fallow/balloon/driver/detail/driver_ring.h"

#include <bit>

namespace fallow::detail {

ByteCount DriverRing::shared_size(const DriverQueueConfig& config) noexcept {
  const ByteCount split = SplitDriverQueue::shared_size(config),
                  packed = PackedDriverQueue::shared_size(config);
  return split < packed ? packed : split;
}

ByteCount DriverRing::own_size(const DriverQueueConfig& config) noexcept {
  const ByteCount split = SplitDriverQueue::own_size(config), packed = PackedDriverQueue::own_size(config);
  return split < packed ? packed : split;
}

std::uint16_t DriverRing::size_within(std::uint16_t most, const DriverQueueConfig& config) noexcept {
  const std::uint16_t size = most < config.size ? most : config.size;
  const auto allowed = static_cast<std::uint16_t>(size < kMaxQueueSize ? size : kMaxQueueSize);
  // 2.7: the size of a split ring is a power of two
  return config.ring.packed ? allowed : std::bit_floor(allowed);
}

Status DriverRing::set_up(std::uint16_t number, DriverQueueConfig config, const RingMemory& memory) noexcept {
  take_down();
  config.size = size_within(context_.transport().max_queue_size(number), config);
  if (config.size == 0) return Status::Failed;
  DriverQueue& queue = config.ring.packed ? static_cast<DriverQueue&>(packed_) : split_;
  if (queue.start(config, memory.shared, memory.own) != Status::Ok) return Status::Failed;
  if (context_.transport().start_queue(number, queue.addresses()) != Status::Ok) return Status::Failed;
  number_.store(number, std::memory_order_relaxed);
  active_ = &queue;
  size_ = config.size;
  rearm_ = false;
  return Status::Ok;
}

Status DriverRing::send(const QueueBuffer& buffer, std::uint64_t token) noexcept {
  const Status status = add({&buffer, 1}, token);
  if (status == Status::Ok && take_kick()) kick();
  return status;
}

Taken DriverRing::take(Used& used) noexcept {
  if (active_ == nullptr) return Taken::Nothing;
  const std::uint64_t wrong = active_->wrong_lengths();
  Taken taken = active_->take(used);
  if (taken == Taken::Nothing && rearm_) {
    rearm_ = false;
    if (active_->ask_for_notifications(true)) taken = active_->take(used);
  }
  if (taken == Taken::Used) {
    rearm_ = true;
    context_.counts.acknowledged.add();
    context_.counts.wrong_lengths.add(active_->wrong_lengths() - wrong);
  } else if (taken == Taken::Broken && !context_.broken()) {
    context_.counts.ring_faults.add();
    context_.give_up_on_device();
  }
  return taken;
}

}  // namespace fallow::detail
