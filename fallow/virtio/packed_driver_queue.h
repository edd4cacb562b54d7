// The driver's end of a packed virtqueue (virtio 1.2, 2.8).
#pragma once

#include "fallow/virtio/driver_queue.h"
#include "fallow/virtio/packed_position.h"

namespace fallow {

class PackedDriverQueue final : public DriverQueue {
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
  static constexpr std::uint16_t kNone = 0xffff;  // no buffer id is this, nor is a table's number

  // What is known of the chain with a buffer id, or which id is the next free one.
  struct Shadow {
    std::uint64_t token = 0;
    std::uint32_t writable = 0;  // bytes; saturated
    std::uint16_t slots = 0;     // descriptors of the ring
    std::uint16_t table = kNone;
    std::uint16_t next = kNone;
    bool in_flight = false;
  };

  void take_own(std::span<std::byte> own) noexcept;
  std::uint16_t add_direct(std::span<const QueueBuffer> buffers, std::uint16_t id) noexcept;
  std::uint16_t add_indirect(std::span<const QueueBuffer> buffers, std::uint16_t id) noexcept;
  void publish(std::uint16_t head_flags, std::uint32_t slots) noexcept;
  void release(std::uint16_t id) noexcept;

  PvirtqDesc* ring_ = nullptr;
  PvirtqEventSuppress* driver_event_ = nullptr;
  const PvirtqEventSuppress* device_event_ = nullptr;
  PvirtqDesc* indirect_ = nullptr;  // the tables one after the other
  GuestPhys indirect_address_;
  std::span<Shadow> shadow_;              // by buffer id
  std::span<std::uint16_t> free_tables_;  // a stack
  std::uint32_t free_table_count_ = 0;
  DriverQueueConfig config_;
  QueueAddresses addresses_;
  std::uint16_t free_id_ = kNone;
  std::uint32_t free_slots_ = 0;
  std::uint32_t given_up_to_ = 0;  // ids below it were looked at by give_up()
  PackedPosition avail_;           // of the next chain
  PackedPosition used_;            // of the next used descriptor
  PackedProgress added_;           // since the device was last notified, or did not want to be
};

}  // namespace fallow
