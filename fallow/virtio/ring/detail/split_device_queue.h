// The device's end of a split virtqueue (virtio 1.2, 2.7).
#pragma once

#include "fallow/virtio/ring/detail/split_layout.h"
#include "fallow/virtio/ring/device_queue.h"

namespace fallow::detail {

class SplitDeviceQueue final : public DeviceQueue {
 public:
  Status start(const GuestMemory& memory, const QueueAddresses& addresses, RingOptions options,
               QueuePosition position, std::span<QueueBuffer> room) noexcept override;
  Popped pop(Chain& chain) noexcept override;
  using DeviceQueue::push;
  void push(std::uint16_t id, std::uint16_t slots, std::uint32_t written) noexcept override;
  bool take_notification() noexcept override;
  bool ask_for_kicks(bool on) noexcept override;
  QueuePosition position() const noexcept override { return {next_avail_, next_used_}; }

 private:
  // The table that a walk reads: the ring's own table or an indirect table.
  struct Table {
    const VirtqDesc* entries = nullptr;
    std::uint32_t size = 0;
    bool indirect = false;
  };
  struct Descriptor {
    QueueBuffer buffer;
    std::uint16_t flags = 0, next = 0;
  };

  static Descriptor fetch(const VirtqDesc& cell) noexcept;
  RingFault walk(std::uint16_t head) noexcept;
  RingFault enter(const Descriptor& descriptor, Table& table) const noexcept;

  VirtqDesc* table_ = nullptr;
  AvailRing avail_;
  UsedRing used_;
  std::uint16_t next_avail_ = 0;     // index of the available ring, free-running
  std::uint16_t next_used_ = 0;      // index of the used ring, free-running
  std::uint16_t notified_used_ = 0;  // next_used_ at the last decision about a notification
};

}  // namespace fallow::detail
