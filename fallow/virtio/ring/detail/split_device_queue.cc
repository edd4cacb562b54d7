#include "fallow/virtio/ring/detail/split_device_queue.h"

#include <bit>

#include "fallow/base/check.h"
#include "fallow/virtio/ring/detail/map_ring_area.h"

namespace fallow::detail {
namespace {

constexpr std::uint64_t kDescSize = sizeof(VirtqDesc);

}  // namespace

Status SplitDeviceQueue::start(const GuestMemory& memory, const QueueAddresses& at, RingOptions options,
                               QueuePosition position, std::span<QueueBuffer> room) noexcept {
  if (at.size == 0 || at.size > kMaxQueueSize || !std::has_single_bit(at.size) || room.size() < at.size)
    return Status::InvalidArgument;
  std::byte* const table = ring_area(memory, at.descriptors, {kDescSize * at.size}, kDescSize);
  std::byte* const avail =
      ring_area(memory, at.driver_area, AvailRing::bytes(at.size), AvailRing::kAlignment);
  std::byte* const used = ring_area(memory, at.device_area, UsedRing::bytes(at.size), UsedRing::kAlignment);
  if (table == nullptr || avail == nullptr || used == nullptr) return Status::InvalidArgument;
  restart(memory, at.size, options, room);
  table_ = reinterpret_cast<VirtqDesc*>(table);
  avail_ = AvailRing(avail, at.size);
  used_ = UsedRing(used, at.size);
  next_avail_ = position.next_avail;
  next_used_ = notified_used_ = position.next_used;
  return Status::Ok;
}

Popped SplitDeviceQueue::pop(Chain& chain) noexcept {
  FALLOW_CHECK(size_ != 0);
  if (fault() != RingFault::None) return Popped::Broken;
  // acquire: MO-10, the ring entry and the descriptors were written before the index.
  const std::uint16_t idx = avail_.idx().load(std::memory_order_acquire);
  const auto waiting = static_cast<std::uint16_t>(idx - next_avail_);
  if (waiting == 0) return Popped::Nothing;
  if (waiting > size_) return broken(RingFault::IndexJumped);
  const std::uint16_t head = avail_.ring(next_avail_ & (size_ - 1U)).load();
  if (const RingFault fault = walk(head); fault != RingFault::None) return broken(fault);
  ++next_avail_;
  chain = {head, 1, room_.first(length_)};
  return Popped::Chain;
}

// VQ-3: each iteration fills a slot of room_ or enters the only indirect table, so a walk ends after size_ +
// 1 iterations whatever the table contains.
RingFault SplitDeviceQueue::walk(std::uint16_t head) noexcept {
  length_ = 0;
  if (head >= size_) return RingFault::HeadOutOfRange;
  Table table{table_, size_, false};
  for (std::uint32_t at = head;;) {
    const Descriptor descriptor = fetch(table.entries[at]);
    if ((descriptor.flags & kDescIndirect) != 0) {
      if (const RingFault fault = enter(descriptor, table); fault != RingFault::None) return fault;
      at = 0;
      continue;
    }
    if (length_ == size_) return RingFault::ChainTooLong;
    if (const RingFault fault = append(descriptor.buffer); fault != RingFault::None) return fault;
    if ((descriptor.flags & kDescNext) == 0) return RingFault::None;
    if (descriptor.next >= table.size) return RingFault::NextOutOfRange;
    at = descriptor.next;
  }
}

SplitDeviceQueue::Descriptor SplitDeviceQueue::fetch(const VirtqDesc& cell) noexcept {
  Descriptor d;
  d.flags = cell.flags.load();
  d.next = cell.next.load();
  d.buffer = {{cell.addr.load()}, cell.len.load(), (d.flags & kDescWrite) != 0};
  return d;
}

// 2.7.5.3: direct descriptors may precede the descriptor that refers to a table but not follow it. The write
// flag of that descriptor is ignored (2.7.5.3.2).
RingFault SplitDeviceQueue::enter(const Descriptor& descriptor, Table& table) const noexcept {
  const std::uint32_t length = descriptor.buffer.length;
  if (!options_.indirect) return RingFault::IndirectNotNegotiated;
  if (table.indirect) return RingFault::IndirectNested;
  if ((descriptor.flags & kDescNext) != 0) return RingFault::IndirectWithNext;
  if (length == 0 || length % kDescSize != 0) return RingFault::IndirectLength;
  // The specification requires no alignment, but every driver in use aligns the table, and atomic access to
  // its fields requires alignment.
  std::byte* const entries = ring_area(*memory_, descriptor.buffer.address, {length}, alignof(VirtqDesc));
  if (entries == nullptr) return RingFault::IndirectOutsideMemory;
  table = {reinterpret_cast<const VirtqDesc*>(entries), static_cast<std::uint32_t>(length / kDescSize), true};
  return RingFault::None;
}

void SplitDeviceQueue::push(std::uint16_t id, std::uint16_t, std::uint32_t written) noexcept {
  VirtqUsedElem& element = used_.ring(next_used_ & (size_ - 1U));
  element.id.store(id);
  element.len.store(written);
  ++next_used_;
  // release: MO-11, the element and the device's accesses to the chain's memory come before the index.
  used_.idx().store(next_used_, std::memory_order_release);
}

bool SplitDeviceQueue::take_notification() noexcept {
  const std::uint16_t before = notified_used_;
  if (before == next_used_) return false;
  notified_used_ = next_used_;
  // MO-12: the used index is stored before the driver's notification request is read; pairs with
  // ask_for_notifications().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (options_.event_index) return event_passed(avail_.used_event().load(), next_used_, before);
  return (avail_.flags().load() & kAvailNoInterrupt) == 0;
}

// With the event index, notifications need no switching off: the driver notifies once, when the driver passes
// the event.
bool SplitDeviceQueue::ask_for_kicks(bool on) noexcept {
  if (options_.event_index) {
    if (on) used_.avail_event().store(next_avail_);
  } else {
    used_.flags().store(on ? 0 : kUsedNoNotify);
  }
  if (!on || fault() != RingFault::None) return false;
  // MO-12: the kick request is stored before the available index is read; pairs with take_kick().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return avail_.idx().load() != next_avail_;
}

}  // namespace fallow::detail
