// The driver's end of a split virtqueue (virtio 1.2, 2.7).
#pragma once

#include "fallow/virtio/driver_queue.h"
#include "fallow/virtio/split_layout.h"

namespace fallow {

class SplitDriverQueue final : public DriverQueue {
 public:
  static ByteCount shared_size(const DriverQueueConfig& config) noexcept;
  static ByteCount own_size(const DriverQueueConfig& config) noexcept;

  Status start(const DriverQueueConfig& config, SharedMemory shared,
               std::span<std::byte> own) noexcept override;
  QueueAddresses addresses() const noexcept override { return addresses_; }
  Status add(std::span<const QueueBuffer> buffers, std::uint64_t token) noexcept override;
  bool take_kick() noexcept override;
  Taken take(Used& used) noexcept override;
  bool ask_for_notifications(bool on) noexcept override;
  bool give_up(std::uint64_t& token) noexcept override;

 private:
  static constexpr std::uint16_t kNone = 0xffff;  // no descriptor has this number, nor has a table

  // The private copy of a descriptor: who follows it, in its chain or in the list of free ones; and of its
  // chain, if it is the head of one.
  struct Shadow {
    std::uint64_t token = 0;
    std::uint32_t writable = 0;  // bytes; saturated
    std::uint16_t next = kNone;
    std::uint16_t table = kNone;
    bool head = false;
  };

  void take_own(std::span<std::byte> own) noexcept;
  std::uint16_t add_direct(std::span<const QueueBuffer> buffers) noexcept;
  std::uint16_t add_indirect(std::span<const QueueBuffer> buffers) noexcept;
  void publish(std::uint16_t head) noexcept;
  void release(std::uint16_t head) noexcept;

  VirtqDesc* table_ = nullptr;
  AvailRing avail_;
  UsedRing used_;
  VirtqDesc* indirect_ = nullptr;  // the tables one after the other
  GuestPhys indirect_address_;
  std::span<Shadow> shadow_;
  std::span<std::uint16_t> free_tables_;  // a stack
  std::uint32_t free_table_count_ = 0;
  DriverQueueConfig config_;
  QueueAddresses addresses_;
  std::uint16_t free_head_ = kNone;
  std::uint32_t free_count_ = 0;
  std::uint32_t given_up_to_ = 0;   // no head before it, when it was last looked
  std::uint16_t next_avail_ = 0;    // free-running, what was published
  std::uint16_t next_used_ = 0;     // free-running, what was taken
  std::uint16_t kicked_avail_ = 0;  // up to where the device has been notified, or did not want to be
};

}  // namespace fallow
