#include "fallow/virtio/ring/detail/packed_driver_queue.h"

#include "fallow/base/check.h"
#include "fallow/virtio/ring/detail/split_layout.h"

namespace fallow::detail {
namespace {

constexpr ByteCount table_bytes(std::uint64_t entries) { return {entries * sizeof(PvirtqDesc)}; }

void write(PvirtqDesc& cell, const QueueBuffer& buffer, std::uint16_t id) noexcept {
  cell.addr.store(buffer.address.raw);
  cell.len.store(buffer.length);
  cell.id.store(id);
}

std::uint16_t write_flag(const QueueBuffer& buffer) noexcept {
  return buffer.device_writable ? kDescWrite : std::uint16_t{0};
}

}  // namespace

// The offsets of the areas of a ring in its shared memory.
struct PackedDriverQueue::Areas {
  ByteCount driver, device, indirect, end;
  explicit constexpr Areas(const DriverQueueConfig& c)
      : driver(aligned(table_bytes(c.size))),
        device(driver + ByteCount{kAlignment}),
        indirect(device + ByteCount{kAlignment}),
        end(indirect + table_bytes(std::uint64_t{c.indirect_tables} * c.indirect_length)) {}
};

ByteCount PackedDriverQueue::shared_size(const DriverQueueConfig& config) noexcept {
  return Areas(config).end;
}

Status PackedDriverQueue::start(const DriverQueueConfig& config, SharedMemory shared,
                                std::span<std::byte> own) noexcept {
  if (!fits(config, shared_size(config), shared, own)) return Status::InvalidArgument;
  const Areas areas(config);
  auto* const driver_event = reinterpret_cast<PvirtqEventSuppress*>(shared.memory + areas.driver.raw);
  auto* const device_event = reinterpret_cast<PvirtqEventSuppress*>(shared.memory + areas.device.raw);
  ring_ = reinterpret_cast<PvirtqDesc*>(shared.memory);
  driver_event_ = driver_event;
  device_event_ = device_event;
  indirect_ = reinterpret_cast<PvirtqDesc*>(shared.memory + areas.indirect.raw);
  indirect_address_ = shared.address + areas.indirect;
  // Stale flags of an earlier use would pass for used descriptors (2.8.13).
  for (std::uint32_t i = 0; i < config.size; ++i) ring_[i].flags.store(0);
  for (PvirtqEventSuppress* event : {driver_event, device_event}) event->flags.store(kRingEventEnable);
  restart(config, {config.size, shared.address, shared.address + areas.driver, shared.address + areas.device},
          own);
  free_id_ = 0;
  free_slots_ = config.size;
  avail_ = used_ = PackedPosition{};
  added_.restart();
  return Status::Ok;
}

Status PackedDriverQueue::add(std::span<const QueueBuffer> buffers, std::uint64_t token) noexcept {
  if (const Status status = admit(buffers); status != Status::Ok) return status;
  const bool by_table = goes_into_table(buffers);
  const std::size_t slots = by_table ? 1 : buffers.size();
  if (free_slots_ < slots) return Status::NoMemory;
  // VQ-7: an id is free, because each chain in flight occupies at least one slot
  const std::uint16_t id = free_id_;
  free_id_ = shadow_[id].next;
  keep(id, slots, buffers, token);
  publish(by_table ? add_indirect(buffers, id) : add_direct(buffers, id), shadow_[id].slots);
  return Status::Ok;
}

// Returns the flags that make the first descriptor, and so the chain, available.
std::uint16_t PackedDriverQueue::add_direct(std::span<const QueueBuffer> buffers, std::uint16_t id) noexcept {
  std::uint16_t head_flags = 0;
  PackedPosition at = avail_;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const std::uint16_t next = i + 1 < buffers.size() ? kDescNext : std::uint16_t{0};
    const auto flags = static_cast<std::uint16_t>(at.available_flags() | write_flag(buffers[i]) | next);
    PvirtqDesc& cell = ring_[at.offset];
    write(cell, buffers[i], id);
    if (i == 0) {
      head_flags = flags;
    } else {
      cell.flags.store(flags);
    }
    at.advance(1, config_.size);
  }
  return head_flags;
}

std::uint16_t PackedDriverQueue::add_indirect(std::span<const QueueBuffer> buffers,
                                              std::uint16_t id) noexcept {
  const std::uint16_t table = take_table();
  const std::size_t first = std::size_t{table} * config_.indirect_length;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    write(indirect_[first + i], buffers[i], 0);
    indirect_[first + i].flags.store(write_flag(buffers[i]));  // no other flag may be set (2.8.19)
  }
  const auto length = static_cast<std::uint32_t>(table_bytes(buffers.size()).raw);
  write(ring_[avail_.offset], {indirect_address_ + table_bytes(first), length, false}, id);
  shadow_[id].table = table;
  return static_cast<std::uint16_t>(avail_.available_flags() | kDescIndirect);
}

void PackedDriverQueue::publish(std::uint16_t head_flags, std::uint32_t slots) noexcept {
  // release: MO-13, the whole chain comes before the flags of its first descriptor (2.8.6, 2.8.21.1).
  ring_[avail_.offset].flags.store(head_flags, std::memory_order_release);
  avail_.advance(slots, config_.size);
  free_slots_ -= slots;
  added_.move(slots);
}

bool PackedDriverQueue::take_kick() noexcept {
  if (!added_.any()) return false;
  // MO-14: the descriptors are stored before the device's event request is read (2.8.21.3.1); pairs with
  // ask_for_kicks().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const bool wanted = added_.wanted(*device_event_, config_.ring.event_index, avail_, config_.size);
  added_.restart();
  return wanted;
}

Taken PackedDriverQueue::take(Used& used) noexcept {
  FALLOW_CHECK(config_.size != 0);
  if (fault_ != DeviceFault::None) return Taken::Broken;
  const PvirtqDesc& cell = ring_[used_.offset];
  // acquire: MO-13, the used descriptor was written before its flags.
  const std::uint16_t flags = cell.flags.load(std::memory_order_acquire);
  if (!used_.is_used(flags)) return Taken::Nothing;
  const std::uint16_t id = cell.id.load();
  // 2.8.4: the length is meaningless without the write flag.
  const std::uint32_t length = (flags & kDescWrite) != 0 ? cell.len.load() : 0;
  if (const Taken taken = returned(id, length, used); taken != Taken::Used) return taken;
  used_.advance(shadow_[id].slots, config_.size);
  free_ring(id);
  return Taken::Used;
}

void PackedDriverQueue::free_ring(std::uint16_t id) noexcept {
  Shadow& chain = shadow_[id];
  forget(chain);
  chain.next = free_id_;
  free_id_ = id;
  free_slots_ += chain.slots;
}

bool PackedDriverQueue::ask_for_notifications(bool on) noexcept {
  ask_for_events(*driver_event_, on, config_.ring.event_index, used_);
  if (!on || fault_ != DeviceFault::None) return false;
  // MO-15: the notification request is stored before the next descriptor's flags are read; pairs with
  // take_notification().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return used_.is_used(ring_[used_.offset].flags.load());
}

}  // namespace fallow::detail
