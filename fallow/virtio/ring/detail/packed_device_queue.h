// The device's end of a packed virtqueue (virtio 1.2, 2.8).
#pragma once

#include "fallow/virtio/ring/detail/packed_position.h"
#include "fallow/virtio/ring/device_queue.h"

namespace fallow::detail {

class PackedDeviceQueue final : public DeviceQueue {
 public:
  Status start(const GuestMemory& memory, const QueueAddresses& addresses, RingOptions options,
               QueuePosition position, std::span<QueueBuffer> room) noexcept override;
  Popped pop(Chain& chain) noexcept override;
  using DeviceQueue::push;
  void push(std::uint16_t id, std::uint16_t slots, std::uint32_t written) noexcept override;
  bool take_notification() noexcept override;
  bool ask_for_kicks(bool on) noexcept override;
  QueuePosition position() const noexcept override { return {avail_.encode(), used_.encode()}; }

 private:
  struct Descriptor {
    QueueBuffer buffer;
    std::uint16_t id = 0;
  };

  static Descriptor fetch(const PvirtqDesc& cell, std::uint16_t flags) noexcept;
  std::uint16_t fetch_flags(std::uint16_t offset) const noexcept;
  RingFault walk(Chain& chain, std::uint16_t flags) noexcept;
  RingFault enter(const Descriptor& descriptor) noexcept;

  PvirtqDesc* ring_ = nullptr;
  const PvirtqEventSuppress* driver_event_ = nullptr;
  PvirtqEventSuppress* device_event_ = nullptr;
  std::uint32_t held_ = 0;   // descriptors taken but not yet returned
  PackedPosition avail_;     // position of the next chain
  PackedPosition used_;      // position of the next used descriptor
  PackedProgress returned_;  // since the last decision about a notification
};

}  // namespace fallow::detail
