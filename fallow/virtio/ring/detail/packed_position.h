// The position of one end of a packed virtqueue, and when the other end wants a notification (virtio 1.2,
// 2.8.1, 2.8.10).
#pragma once

#include <cstdint>

#include "fallow/virtio/ring/detail/packed_layout.h"

namespace fallow::detail {

// A descriptor of the ring, and the wrap counter of the current round. Positions repeat after two rounds.
struct PackedPosition {
  std::uint16_t offset = 0;  // below the queue's size
  bool wrap = true;

  // The encoding of the event suppression structure and of a QueuePosition.
  static constexpr PackedPosition decode(std::uint16_t word) noexcept {
    return {static_cast<std::uint16_t>(word & (kEventWrapBit - 1U)), (word & kEventWrapBit) != 0};
  }
  constexpr std::uint16_t encode() const noexcept {
    return static_cast<std::uint16_t>(offset | (wrap ? kEventWrapBit : 0U));
  }

  // `steps` is at most the queue's size.
  constexpr void advance(std::uint32_t steps, std::uint32_t size) noexcept {
    const std::uint32_t next = offset + steps;
    wrap ^= next >= size;
    offset = static_cast<std::uint16_t>(next >= size ? next - size : next);
  }

  // 2.8.1: the flags of the descriptor at this position once the driver made it available, and once the
  // device used it.
  constexpr std::uint16_t available_flags() const noexcept { return wrap ? kPackedAvail : kPackedUsed; }
  constexpr std::uint16_t used_flags() const noexcept {
    return wrap ? std::uint16_t{kPackedAvail | kPackedUsed} : std::uint16_t{0};
  }
  constexpr bool is_available(std::uint16_t flags) const noexcept {
    return (flags & (kPackedAvail | kPackedUsed)) == available_flags();
  }
  constexpr bool is_used(std::uint16_t flags) const noexcept {
    return (flags & (kPackedAvail | kPackedUsed)) == used_flags();
  }

  friend constexpr bool operator==(PackedPosition, PackedPosition) noexcept = default;
};

// Returns the forward distance between two positions: 0 to 2 * size - 1.
constexpr std::uint32_t distance(PackedPosition from, PackedPosition to, std::uint32_t size) noexcept {
  const auto place = [size](PackedPosition p) { return p.offset + (p.wrap ? 0 : size); };
  const std::uint32_t ahead = place(to) + 2 * size - place(from);
  return ahead < 2 * size ? ahead : ahead - 2 * size;
}

// The steps of one end since its last decision about a notification. Steps are counted, because a small
// packed ring returns to the same position after few chains.
class PackedProgress {
 public:
  void restart() noexcept { moved_ = 0; }
  void move(std::uint32_t steps) noexcept { moved_ = moved_ < kEnough ? moved_ + steps : moved_; }
  bool any() const noexcept { return moved_ != 0; }

  // 2.8.10: returns whether the other end, which filled `event`, wants a notification of the last steps up to
  // `now`. An invalid request counts as "enable", because a superfluous notification does no harm.
  bool wanted(const PvirtqEventSuppress& event, bool event_index, PackedPosition now,
              std::uint32_t size) const noexcept {
    // acquire: MO-13, the requested descriptor was written before the flags.
    const std::uint16_t flags = event.flags.load(std::memory_order_acquire) & kEventFlagsMask;
    if (flags != kRingEventDesc || !event_index) return any() && flags != kRingEventDisable;
    const PackedPosition at = PackedPosition::decode(event.desc.load());
    if (at.offset >= size) return any();
    // The steps passed the requested descriptor if it is among the last `moved_` before `now`.
    const std::uint32_t back = distance(at, now, size);
    return (back == 0 ? 2 * size : back) <= moved_;
  }

 private:
  static constexpr std::uint16_t kEventFlagsMask = 3;        // 2.8.14: the rest is reserved
  static constexpr std::uint32_t kEnough = 2 * (1U << 15U);  // two rounds of the largest queue: all positions
  std::uint32_t moved_ = 0;
};

// 2.8.10: an end at `next` requests, or declines, a notification when the other end passes this position.
inline void ask_for_events(PvirtqEventSuppress& event, bool on, bool event_index,
                           PackedPosition next) noexcept {
  if (!on) return event.flags.store(kRingEventDisable);
  if (!event_index) return event.flags.store(kRingEventEnable);
  event.desc.store(next.encode());
  event.flags.store(kRingEventDesc, std::memory_order_release);  // MO-13: after the requested descriptor
}

}  // namespace fallow::detail
