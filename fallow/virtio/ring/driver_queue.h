// The driver's end of a virtqueue. It never reads back what it wrote into the ring (VQ-2), and believes the
// device nothing: descriptors are kept in a private copy, and what is returned is checked against it (VQ-4;
// docs/threat-model.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"

namespace fallow {

struct DriverQueueConfig {
  std::uint16_t size = 0;  // 1 to kMaxQueueSize; a power of two for a split ring (2.7)
  detail::RingOptions ring;
  // With ring.indirect: how many chains may have an indirect table at once, and its length. A chain of more
  // than one element that fits takes a table while there is one left. 0: none.
  std::uint16_t indirect_tables = 0;
  std::uint16_t indirect_length = 0;
};

// Memory that driver and device share, zero-filled, aligned to 4096 bytes.
struct SharedMemory {
  std::byte* memory = nullptr;
  GuestPhys address;  // of its first byte, as the device sees it
  ByteCount size;
};

// How a device broke the rules of the ring. The queue is stopped then.
enum class DeviceFault : std::uint8_t {
  None,
  IndexJumped,    // the used index moved by more than there are chains in flight
  IdOutOfRange,   // an id that there is not
  IdNotInFlight,  // an id that was not given out, or that was returned already
};
const char* describe(DeviceFault fault) noexcept;

// A chain that came back.
struct Used {
  std::uint64_t token = 0;
  std::uint32_t length = 0;  // written by the device; never more than the chain's writable bytes
};

enum class Taken : std::uint8_t { Used, Nothing, Broken };

// One thread at a time.
class DriverQueue {
 public:
  // Bytes of `own` that start() needs.
  static ByteCount own_size(const DriverQueueConfig& config) noexcept;

  // Takes a ring's place in `shared` and its private copy in `own` (aligned to 8 bytes), at least
  // shared_size() and own_size() long. InvalidArgument if a size is not as described.
  virtual Status start(const DriverQueueConfig& config, SharedMemory shared,
                       std::span<std::byte> own) noexcept = 0;

  // What the device has to be told.
  detail::QueueAddresses addresses() const noexcept { return addresses_; }

  // Adds a chain, readable elements first; the device sees it at once. NoMemory: no room now.
  // InvalidArgument: no element, more than the queue's size, or a readable one after a writable one. Failed:
  // the queue is broken.
  virtual Status add(std::span<const detail::QueueBuffer> buffers, std::uint64_t token) noexcept = 0;

  // Whether the device wants to be notified of what was added since the last call.
  virtual bool take_kick() noexcept = 0;

  // Takes the next chain that came back. Broken: see fault(); only give_up() gets back what is in flight.
  virtual Taken take(Used& used) noexcept = 0;

  // Asks the device to notify, or not to, when it returns a chain. Returns whether one may be there already:
  // after ask_for_notifications(true) returned true, take() again. False after a fault.
  virtual bool ask_for_notifications(bool on) noexcept = 0;

  // After the device was reset, or the queue was, and will touch nothing any more: the token of a chain in
  // flight, which is not any longer; false when there is none left.
  bool give_up(std::uint64_t& token) noexcept;

  std::uint32_t in_flight() const noexcept { return in_flight_; }
  DeviceFault fault() const noexcept { return fault_; }
  // Used lengths that were larger than the chain's writable bytes, and were cut to it. Counts on over
  // restarts.
  std::uint64_t wrong_lengths() const noexcept { return wrong_lengths_; }

 protected:
  static constexpr std::uint16_t kNone = 0xffff;  // no chain's id is this, nor is a table's number
  static constexpr std::uint64_t kAlignment =
      64;  // each area on cache lines of its own; more than is asked for
  static constexpr ByteCount aligned(ByteCount n) noexcept {
    return {(n.raw + kAlignment - 1) & ~(kAlignment - 1)};
  }

  // The private copy (VQ-4): of the chain with an id, if it is in flight; and which id comes after it in its
  // chain or among the free ones.
  struct Shadow {
    std::uint64_t token = 0;
    std::uint32_t writable = 0;  // bytes; saturated
    std::uint16_t slots = 0;     // descriptors of the ring
    std::uint16_t table = kNone;
    std::uint16_t next = kNone;
    bool in_flight = false;
  };

  ~DriverQueue() = default;

  // What both formats want of a configuration and its memory, `needed` bytes of which are shared.
  static bool fits(const DriverQueueConfig& config, ByteCount needed, const SharedMemory& shared,
                   std::span<const std::byte> own) noexcept;
  // Nothing is in flight, all ids are linked to the next one, all tables are free.
  void restart(const DriverQueueConfig& config, const detail::QueueAddresses& addresses,
               std::span<std::byte> own) noexcept;

  // Whether a chain may be added, but for room: Ok, Failed or InvalidArgument.
  Status admit(std::span<const detail::QueueBuffer> buffers) const noexcept;
  bool goes_into_table(std::span<const detail::QueueBuffer> buffers) const noexcept;
  std::uint16_t take_table() noexcept { return free_tables_[--free_table_count_]; }

  // The chain is in flight from here on.
  void keep(std::uint16_t id, std::size_t slots, std::span<const detail::QueueBuffer> buffers,
            std::uint64_t token) noexcept;
  // The device says that it returned a chain. Used: it did; free_ring() is the caller's.
  Taken returned(std::uint32_t id, std::uint32_t length, Used& used) noexcept;
  // It is not in flight any more, and its table is free.
  void forget(Shadow& chain) noexcept;
  // forget(), and what it took of the ring is free.
  virtual void free_ring(std::uint16_t id) noexcept = 0;

  Taken broken(DeviceFault fault) noexcept {
    fault_ = fault;
    return Taken::Broken;
  }

  DriverQueueConfig config_;
  std::span<Shadow> shadow_;  // by id
  DeviceFault fault_ = DeviceFault::None;
  std::uint32_t in_flight_ = 0;

 private:
  detail::QueueAddresses addresses_;
  std::span<std::uint16_t> free_tables_;  // a stack
  std::uint32_t free_table_count_ = 0;
  std::uint32_t given_up_to_ = 0;  // ids below it were looked at by give_up()
  std::uint64_t wrong_lengths_ = 0;
};

}  // namespace fallow
