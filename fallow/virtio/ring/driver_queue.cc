#include "fallow/virtio/ring/driver_queue.h"

#include <new>

#include "fallow/virtio/ring/detail/chain_checks.h"
#include "fallow/virtio/ring/detail/split_layout.h"

namespace fallow {

ByteCount DriverQueue::own_size(const DriverQueueConfig& config) noexcept {
  return {config.size * sizeof(Shadow) + config.indirect_tables * sizeof(std::uint16_t)};
}

bool DriverQueue::fits(const DriverQueueConfig& config, ByteCount needed, const SharedMemory& shared,
                       std::span<const std::byte> own) noexcept {
  return config.size != 0 && config.size <= detail::kMaxQueueSize && shared.size >= needed &&
         own.size() >= own_size(config).raw && shared.address.raw % kAlignment == 0 &&
         reinterpret_cast<std::uintptr_t>(shared.memory) % kAlignment == 0 &&
         reinterpret_cast<std::uintptr_t>(own.data()) % alignof(Shadow) == 0;
}

void DriverQueue::restart(const DriverQueueConfig& config, const detail::QueueAddresses& addresses,
                          std::span<std::byte> own) noexcept {
  config_ = config;
  addresses_ = addresses;
  auto* const shadow = reinterpret_cast<Shadow*>(own.data());
  auto* const tables = reinterpret_cast<std::uint16_t*>(own.data() + config.size * sizeof(Shadow));
  for (std::uint32_t i = 0; i < config.size; ++i) {
    new (&shadow[i]) Shadow;
    shadow[i].next = i + 1 < config.size ? static_cast<std::uint16_t>(i + 1) : kNone;
  }
  const bool indirect = config.ring.indirect && config.indirect_length != 0;
  free_table_count_ = indirect ? config.indirect_tables : 0;
  for (std::uint32_t i = 0; i < free_table_count_; ++i)
    new (&tables[i]) std::uint16_t(static_cast<std::uint16_t>(i));
  shadow_ = {shadow, config.size};
  free_tables_ = {tables, free_table_count_};
  in_flight_ = 0;
  fault_ = DeviceFault::None;
}

Status DriverQueue::admit(std::span<const detail::QueueBuffer> buffers) const noexcept {
  if (fault_ != DeviceFault::None) return Status::Failed;
  // 2.7.5.3.1 and 2.8.17 limit the length with and without a table; 2.7.4.2 defines the order.
  const bool may_be = !buffers.empty() && buffers.size() <= config_.size && writable_last(buffers);
  return may_be ? Status::Ok : Status::InvalidArgument;
}

bool DriverQueue::goes_into_table(std::span<const detail::QueueBuffer> buffers) const noexcept {
  return buffers.size() > 1 && buffers.size() <= config_.indirect_length && free_table_count_ != 0;
}

void DriverQueue::keep(std::uint16_t id, std::size_t slots, std::span<const detail::QueueBuffer> buffers,
                       std::uint64_t token) noexcept {
  Shadow& chain = shadow_[id];
  chain.token = token;
  chain.writable = detail::writable_bytes(buffers);
  chain.slots = static_cast<std::uint16_t>(slots);
  chain.in_flight = true;
  ++in_flight_;
}

Taken DriverQueue::returned(std::uint32_t id, std::uint32_t length, Used& used) noexcept {
  if (id >= config_.size) return broken(DeviceFault::IdOutOfRange);
  const Shadow& chain = shadow_[id];
  if (!chain.in_flight) return broken(DeviceFault::IdNotInFlight);
  if (length > chain.writable) ++wrong_lengths_;
  used = {chain.token, length < chain.writable ? length : chain.writable};
  return Taken::Used;
}

void DriverQueue::forget(Shadow& chain) noexcept {
  if (chain.table != kNone) free_tables_[free_table_count_++] = chain.table;
  chain.table = kNone;
  chain.in_flight = false;
  --in_flight_;
}

}  // namespace fallow
