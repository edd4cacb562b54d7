#include "fallow/virtio/ring/detail/split_driver_queue.h"

#include <bit>

#include "fallow/base/check.h"

namespace fallow::detail {
namespace {

constexpr ByteCount table_bytes(std::uint64_t entries) { return {entries * sizeof(VirtqDesc)}; }

void write(VirtqDesc& cell, const QueueBuffer& buffer, bool last, std::uint16_t next) noexcept {
  cell.addr.store(buffer.address.raw);
  cell.len.store(buffer.length);
  cell.flags.store(
      static_cast<std::uint16_t>((buffer.device_writable ? kDescWrite : 0U) | (last ? 0U : kDescNext)));
  cell.next.store(last ? std::uint16_t{0} : next);
}

}  // namespace

// The offsets of the areas of a ring in its shared memory.
struct SplitDriverQueue::Areas {
  ByteCount avail, used, indirect, end;
  explicit constexpr Areas(const DriverQueueConfig& c)
      : avail(aligned(table_bytes(c.size))),
        used(avail + aligned(AvailRing::bytes(c.size))),
        indirect(used + aligned(UsedRing::bytes(c.size))),
        end(indirect + table_bytes(std::uint64_t{c.indirect_tables} * c.indirect_length)) {}
};

ByteCount SplitDriverQueue::shared_size(const DriverQueueConfig& config) noexcept {
  return Areas(config).end;
}

Status SplitDriverQueue::start(const DriverQueueConfig& config, SharedMemory shared,
                               std::span<std::byte> own) noexcept {
  if (!fits(config, shared_size(config), shared, own) || !std::has_single_bit(config.size))
    return Status::InvalidArgument;
  const Areas areas(config);
  table_ = reinterpret_cast<VirtqDesc*>(shared.memory);
  avail_ = AvailRing(shared.memory + areas.avail.raw, config.size);
  used_ = UsedRing(shared.memory + areas.used.raw, config.size);
  indirect_ = reinterpret_cast<VirtqDesc*>(shared.memory + areas.indirect.raw);
  indirect_address_ = shared.address + areas.indirect;
  for (Le16* cell : {&avail_.flags(), &avail_.idx(), &avail_.used_event(), &used_.flags(), &used_.idx(),
                     &used_.avail_event()}) {
    cell->store(0);
  }
  restart(config, {config.size, shared.address, shared.address + areas.avail, shared.address + areas.used},
          own);
  free_head_ = 0;
  free_count_ = config.size;
  next_avail_ = next_used_ = kicked_avail_ = 0;
  return Status::Ok;
}

Status SplitDriverQueue::add(std::span<const QueueBuffer> buffers, std::uint64_t token) noexcept {
  if (const Status status = admit(buffers); status != Status::Ok) return status;
  const bool by_table = goes_into_table(buffers);
  const std::size_t slots = by_table ? 1 : buffers.size();
  if (free_count_ < slots) return Status::NoMemory;
  const std::uint16_t head = by_table ? add_indirect(buffers) : add_direct(buffers);
  keep(head, slots, buffers, token);
  publish(head);
  return Status::Ok;
}

// The first free descriptors become the chain; their links are already correct.
std::uint16_t SplitDriverQueue::add_direct(std::span<const QueueBuffer> buffers) noexcept {
  const std::uint16_t head = free_head_;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const bool last = i + 1 == buffers.size();
    Shadow& shadow = shadow_[free_head_];
    write(table_[free_head_], buffers[i], last, shadow.next);
    free_head_ = shadow.next;
    if (last) shadow.next = kNone;
  }
  free_count_ -= static_cast<std::uint32_t>(buffers.size());
  return head;
}

std::uint16_t SplitDriverQueue::add_indirect(std::span<const QueueBuffer> buffers) noexcept {
  const std::uint16_t head = free_head_;
  const std::uint16_t table = take_table();
  const std::size_t first = std::size_t{table} * config_.indirect_length;
  for (std::size_t i = 0; i < buffers.size(); ++i)
    write(indirect_[first + i], buffers[i], i + 1 == buffers.size(), static_cast<std::uint16_t>(i + 1));
  VirtqDesc& cell = table_[head];
  cell.addr.store((indirect_address_ + table_bytes(first)).raw);
  cell.len.store(static_cast<std::uint32_t>(table_bytes(buffers.size()).raw));
  cell.flags.store(kDescIndirect);  // without the write flag: 2.7.5.3.1
  cell.next.store(0);
  free_head_ = shadow_[head].next;
  --free_count_;
  shadow_[head].next = kNone;
  shadow_[head].table = table;
  return head;
}

void SplitDriverQueue::publish(std::uint16_t head) noexcept {
  avail_.ring(next_avail_ & (config_.size - 1U)).store(head);
  ++next_avail_;
  // release: MO-10, the descriptors and the ring entry come before the index (2.7.13.3.1).
  avail_.idx().store(next_avail_, std::memory_order_release);
}

bool SplitDriverQueue::take_kick() noexcept {
  const std::uint16_t before = kicked_avail_;
  if (before == next_avail_) return false;
  kicked_avail_ = next_avail_;
  // MO-12: the available index is stored before the device's kick request is read (2.7.13.4.1); pairs with
  // ask_for_kicks().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (config_.ring.event_index) return event_passed(used_.avail_event().load(), next_avail_, before);
  return (used_.flags().load() & kUsedNoNotify) == 0;
}

Taken SplitDriverQueue::take(Used& used) noexcept {
  FALLOW_CHECK(config_.size != 0);
  if (fault_ != DeviceFault::None) return Taken::Broken;
  // acquire: MO-11, the element was written before the index.
  const std::uint16_t idx = used_.idx().load(std::memory_order_acquire);
  const auto waiting = static_cast<std::uint16_t>(idx - next_used_);
  if (waiting == 0) return Taken::Nothing;
  if (waiting > in_flight_) return broken(DeviceFault::IndexJumped);
  const VirtqUsedElem& element = used_.ring(next_used_ & (config_.size - 1U));
  const std::uint32_t id = element.id.load();
  if (const Taken taken = returned(id, element.len.load(), used); taken != Taken::Used) return taken;
  ++next_used_;
  free_ring(static_cast<std::uint16_t>(id));
  return Taken::Used;
}

// The descriptors of the chain return to the front of the free list.
void SplitDriverQueue::free_ring(std::uint16_t head) noexcept {
  forget(shadow_[head]);
  std::uint16_t last = head;
  for (++free_count_; shadow_[last].next != kNone; ++free_count_) last = shadow_[last].next;
  shadow_[last].next = free_head_;
  free_head_ = head;
}

bool SplitDriverQueue::ask_for_notifications(bool on) noexcept {
  if (config_.ring.event_index) {
    if (on) avail_.used_event().store(next_used_);
  } else {
    avail_.flags().store(on ? 0 : kAvailNoInterrupt);
  }
  if (!on || fault_ != DeviceFault::None) return false;
  // MO-12: the notification request is stored before the used index is read; pairs with take_notification().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return used_.idx().load() != next_used_;
}

}  // namespace fallow::detail
