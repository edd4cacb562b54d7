// The driver's end of a packed virtqueue (virtio 1.2, 2.8).
#pragma once

#include "fallow/virtio/ring/detail/packed_position.h"
#include "fallow/virtio/ring/driver_queue.h"

namespace fallow::detail {

class PackedDriverQueue final : public DriverQueue {
 public:
  static ByteCount shared_size(const DriverQueueConfig& config) noexcept;

  Status start(const DriverQueueConfig& config, SharedMemory shared,
               std::span<std::byte> own) noexcept override;
  Status add(std::span<const QueueBuffer> buffers, std::uint64_t token) noexcept override;
  bool take_kick() noexcept override;
  Taken take(Used& used) noexcept override;
  bool ask_for_notifications(bool on) noexcept override;

 private:
  struct Areas;

  std::uint16_t add_direct(std::span<const QueueBuffer> buffers, std::uint16_t id) noexcept;
  std::uint16_t add_indirect(std::span<const QueueBuffer> buffers, std::uint16_t id) noexcept;
  void publish(std::uint16_t head_flags, std::uint32_t slots) noexcept;
  void free_ring(std::uint16_t id) noexcept;

  PvirtqDesc* ring_ = nullptr;
  PvirtqEventSuppress* driver_event_ = nullptr;
  const PvirtqEventSuppress* device_event_ = nullptr;
  PvirtqDesc* indirect_ = nullptr;  // the tables, consecutively
  GuestPhys indirect_address_;
  std::uint16_t free_id_ = kNone;
  std::uint32_t free_slots_ = 0;
  PackedPosition avail_;  // position of the next chain
  PackedPosition used_;   // position of the next used descriptor
  PackedProgress added_;  // since the last decision about a kick
};

}  // namespace fallow::detail
