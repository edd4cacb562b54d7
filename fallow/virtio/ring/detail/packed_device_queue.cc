#include "fallow/virtio/ring/detail/packed_device_queue.h"

#include "fallow/base/check.h"
#include "fallow/virtio/ring/detail/map_ring_area.h"
#include "fallow/virtio/ring/detail/split_layout.h"

namespace fallow::detail {
namespace {

constexpr std::uint64_t kDescSize = sizeof(PvirtqDesc);
constexpr std::uint64_t kEventSize = sizeof(PvirtqEventSuppress);

}  // namespace

Status PackedDeviceQueue::start(const GuestMemory& memory, const QueueAddresses& at, RingOptions options,
                                QueuePosition position, std::span<QueueBuffer> room) noexcept {
  const std::uint32_t size = at.size;
  if (size == 0 || size > kMaxQueueSize || room.size() < size) return Status::InvalidArgument;
  const PackedPosition avail = PackedPosition::decode(position.next_avail);
  const PackedPosition used = PackedPosition::decode(position.next_used);
  if (avail.offset >= size || used.offset >= size || distance(used, avail, size) > size)
    return Status::InvalidArgument;
  std::byte* const ring = ring_area(memory, at.descriptors, {kDescSize * size}, kDescSize);
  std::byte* const driver = ring_area(memory, at.driver_area, {kEventSize}, kEventSize);
  std::byte* const device = ring_area(memory, at.device_area, {kEventSize}, kEventSize);
  if (ring == nullptr || driver == nullptr || device == nullptr) return Status::InvalidArgument;
  restart(memory, at.size, options, room);
  ring_ = reinterpret_cast<PvirtqDesc*>(ring);
  driver_event_ = reinterpret_cast<const PvirtqEventSuppress*>(driver);
  device_event_ = reinterpret_cast<PvirtqEventSuppress*>(device);
  held_ = distance(used, avail, size);
  avail_ = avail;
  used_ = used;
  returned_.restart();
  return Status::Ok;
}

Popped PackedDeviceQueue::pop(Chain& chain) noexcept {
  FALLOW_CHECK(size_ != 0);
  if (fault() != RingFault::None) return Popped::Broken;
  const std::uint16_t flags = fetch_flags(avail_.offset);
  if (!avail_.is_available(flags)) return Popped::Nothing;
  // VQ-5: the device never holds more descriptors than the ring has.
  if (held_ == size_) return broken(RingFault::IndexJumped);
  Chain walked;
  if (const RingFault fault = walk(walked, flags); fault != RingFault::None) return broken(fault);
  avail_.advance(walked.slots, size_);
  held_ += walked.slots;
  chain = walked;
  return Popped::Chain;
}

// VQ-6: each iteration takes one descriptor that the device does not hold, so a walk ends after at most size_
// iterations. The first descriptor is made available last (2.8.6): the rest of a truncated chain never
// arrives.
RingFault PackedDeviceQueue::walk(Chain& chain, std::uint16_t flags) noexcept {
  length_ = 0;
  chain.slots = 0;
  for (PackedPosition at = avail_;;) {
    const Descriptor descriptor = fetch(ring_[at.offset], flags);
    const bool more = (flags & kDescNext) != 0;
    if ((flags & kDescIndirect) != 0) {
      if (!options_.indirect) return RingFault::IndirectNotNegotiated;
      if (more || chain.slots != 0) return RingFault::IndirectWithNext;  // 2.8.19
      if (const RingFault fault = enter(descriptor); fault != RingFault::None) return fault;
    } else if (const RingFault fault = append(descriptor.buffer); fault != RingFault::None) {
      return fault;
    }
    ++chain.slots;
    if (!more) {
      chain.id = descriptor.id;  // the id of the last descriptor (2.8.6)
      chain.buffers = room_.first(length_);
      return RingFault::None;
    }
    if (held_ + chain.slots == size_) return RingFault::ChainTooLong;
    at.advance(1, size_);
    flags = fetch_flags(at.offset);
    if (!at.is_available(flags)) return RingFault::ChainCutOff;
  }
}

// 2.8.7: every descriptor of the table is an element, and all its flags except the write flag are ignored. A
// nested table (2.8.19) is refused, because such a descriptor cannot be an element.
RingFault PackedDeviceQueue::enter(const Descriptor& descriptor) noexcept {
  const std::uint32_t bytes = descriptor.buffer.length;
  if (bytes == 0 || bytes % kDescSize != 0) return RingFault::IndirectLength;
  const auto count = static_cast<std::uint32_t>(bytes / kDescSize);
  if (count > size_) return RingFault::ChainTooLong;
  // The specification requires no alignment, but every driver in use aligns the table, and atomic access to
  // its fields requires alignment.
  std::byte* const table = ring_area(*memory_, descriptor.buffer.address, {bytes}, alignof(PvirtqDesc));
  if (table == nullptr) return RingFault::IndirectOutsideMemory;
  const auto* const entries = reinterpret_cast<const PvirtqDesc*>(table);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint16_t flags = entries[i].flags.load();
    if ((flags & kDescIndirect) != 0) return RingFault::IndirectNested;
    if (const RingFault fault = append(fetch(entries[i], flags).buffer); fault != RingFault::None)
      return fault;
  }
  return RingFault::None;
}

std::uint16_t PackedDeviceQueue::fetch_flags(std::uint16_t offset) const noexcept {
  // acquire: MO-13, a descriptor was written before its flags, and a whole chain before the flags of its
  // first descriptor.
  return ring_[offset].flags.load(std::memory_order_acquire);
}

PackedDeviceQueue::Descriptor PackedDeviceQueue::fetch(const PvirtqDesc& cell, std::uint16_t flags) noexcept {
  return {{{cell.addr.load()}, cell.len.load(), (flags & kDescWrite) != 0}, cell.id.load()};
}

void PackedDeviceQueue::push(std::uint16_t id, std::uint16_t slots, std::uint32_t written) noexcept {
  FALLOW_CHECK(slots != 0 && slots <= held_);
  PvirtqDesc& cell = ring_[used_.offset];
  cell.id.store(id);
  cell.len.store(written);
  // 2.8.3: the write flag says whether the device wrote any byte.
  const auto flags = static_cast<std::uint16_t>(used_.used_flags() | (written != 0 ? kDescWrite : 0U));
  // release: MO-13, the descriptor and the device's accesses to the chain's memory come before the flags.
  cell.flags.store(flags, std::memory_order_release);
  used_.advance(slots, size_);
  held_ -= slots;
  returned_.move(slots);
}

bool PackedDeviceQueue::take_notification() noexcept {
  if (!returned_.any()) return false;
  // MO-15: the used descriptors are stored before the driver's event request is read; pairs with
  // ask_for_notifications().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const bool wanted = returned_.wanted(*driver_event_, options_.event_index, used_, size_);
  returned_.restart();
  return wanted;
}

bool PackedDeviceQueue::ask_for_kicks(bool on) noexcept {
  ask_for_events(*device_event_, on, options_.event_index, avail_);
  if (!on || fault() != RingFault::None) return false;
  // MO-14: the kick request is stored before the next descriptor's flags are read; pairs with take_kick().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return avail_.is_available(ring_[avail_.offset].flags.load());
}

}  // namespace fallow::detail
