// The driver's end of a split virtqueue (virtio 1.2, 2.7).
#pragma once

#include "fallow/virtio/ring/detail/split_layout.h"
#include "fallow/virtio/ring/driver_queue.h"

namespace fallow::detail {

class SplitDriverQueue final : public DriverQueue {
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

  std::uint16_t add_direct(std::span<const QueueBuffer> buffers) noexcept;
  std::uint16_t add_indirect(std::span<const QueueBuffer> buffers) noexcept;
  void publish(std::uint16_t head) noexcept;
  void free_ring(std::uint16_t head) noexcept;

  VirtqDesc* table_ = nullptr;
  AvailRing avail_;
  UsedRing used_;
  VirtqDesc* indirect_ = nullptr;  // the tables, consecutively
  GuestPhys indirect_address_;
  std::uint16_t free_head_ = kNone;
  std::uint32_t free_count_ = 0;
  std::uint16_t next_avail_ = 0;    // free-running count of published chains
  std::uint16_t next_used_ = 0;     // free-running count of taken chains
  std::uint16_t kicked_avail_ = 0;  // next_avail_ at the last decision about a kick
};

}  // namespace fallow::detail
