// The driver's end of a virtqueue. The driver never reads back what it wrote into the ring (VQ-2) and trusts
// nothing that the device returns: descriptors are kept in a private copy, and returned ids are checked
// against the copy (VQ-4; docs/threat-model.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"

namespace fallow {

/// The size and the options of a driver's queue.
struct DriverQueueConfig {
  std::uint16_t size = 0;    ///< 1 to kMaxQueueSize; a power of two for a split ring (2.7)
  detail::RingOptions ring;  ///< the negotiated format and features
  /// With ring.indirect: the number of chains that may have an indirect table at once, and the entries of a
  /// table. A chain of more than one element that fits takes a table while one is free. 0: none.
  /// @{
  std::uint16_t indirect_tables = 0;
  std::uint16_t indirect_length = 0;
  /// @}
};

/// Memory shared by driver and device; zero-filled and aligned to 4096 bytes.
struct SharedMemory {
  std::byte* memory = nullptr;  ///< address of the first byte as the driver sees it
  GuestPhys address;            ///< address of the first byte as the device sees it
  ByteCount size;               ///< at least shared_size() of what uses the memory
};

/// The rule of the ring that the device broke. The queue then stops.
enum class DeviceFault : std::uint8_t {
  None,           ///< the device broke no rule
  IndexJumped,    ///< the used index moved by more than the number of chains in flight
  IdOutOfRange,   ///< an id that does not exist
  IdNotInFlight,  ///< an id that was never in flight or was already returned
};
/// Returns a short description for people; never null.
const char* describe(DeviceFault fault) noexcept;

/// A chain that the device returned.
struct Used {
  std::uint64_t token = 0;   ///< as given to DriverQueue::add()
  std::uint32_t length = 0;  ///< bytes written by the device; at most the chain's writable bytes
};

/// The outcome of DriverQueue::take().
enum class Taken : std::uint8_t {
  Used,     ///< a chain was taken
  Nothing,  ///< the device has returned no chain
  Broken,   ///< the device broke a rule of the ring
};

/// The interface of both ring formats. Used by one thread at a time.
class DriverQueue {
 public:
  /// Returns the bytes of `own` that start() needs.
  static ByteCount own_size(const DriverQueueConfig& config) noexcept;

  /// Places the ring in `shared` and its private copy in `own` (aligned to 8 bytes), which have at least
  /// shared_size() and own_size() bytes. Returns InvalidArgument if a size or an alignment is wrong.
  virtual Status start(const DriverQueueConfig& config, SharedMemory shared,
                       std::span<std::byte> own) noexcept = 0;

  /// Returns the addresses that the device must be told.
  detail::QueueAddresses addresses() const noexcept { return addresses_; }

  /// Adds a chain, readable elements first; the device sees the chain at once. Returns NoMemory if the ring
  /// has no room now; InvalidArgument for no element, more elements than the queue size, or a readable
  /// element after a writable one; Failed if the queue is broken.
  virtual Status add(std::span<const detail::QueueBuffer> buffers, std::uint64_t token) noexcept = 0;

  /// Returns whether the device wants a kick for the chains added since the last call.
  virtual bool take_kick() noexcept = 0;

  /// Takes the next returned chain. Broken: see fault(); no further chain can be taken.
  virtual Taken take(Used& used) noexcept = 0;

  /// Requests, or declines, a notification when the device returns a chain. Returns whether a chain may
  /// already have been returned: after ask_for_notifications(true) returned true, call take() again. Returns
  /// false after a fault.
  virtual bool ask_for_notifications(bool on) noexcept = 0;

  /// Returns the number of chains that the device has not returned.
  std::uint32_t in_flight() const noexcept { return in_flight_; }
  /// Returns the rule that the device broke since the last start().
  DeviceFault fault() const noexcept { return fault_; }
  /// Returns the number of used lengths that exceeded the chain's writable bytes and were cut to that number.
  /// Restarts do not clear the counter.
  std::uint64_t wrong_lengths() const noexcept { return wrong_lengths_; }

 protected:
  /// @cond
  // For the two formats, which are internal.
  static constexpr std::uint16_t kNone = 0xffff;  // never the id of a chain or the number of a table
  static constexpr std::uint64_t kAlignment =
      64;  // each area on cache lines of its own; more than is asked for
  static constexpr ByteCount aligned(ByteCount n) noexcept {
    return {(n.raw + kAlignment - 1) & ~(kAlignment - 1)};
  }

  // The private copy (VQ-4) of the chain with an id while the chain is in flight, and the id that follows in
  // the chain or in the free list.
  struct Shadow {
    std::uint64_t token = 0;
    std::uint32_t writable = 0;  // bytes; saturated
    std::uint16_t slots = 0;     // descriptors of the ring
    std::uint16_t table = kNone;
    std::uint16_t next = kNone;
    bool in_flight = false;
  };

  ~DriverQueue() = default;

  // Checks the requirements of both formats on a configuration and its memory, of which `needed` bytes are
  // shared.
  static bool fits(const DriverQueueConfig& config, ByteCount needed, const SharedMemory& shared,
                   std::span<const std::byte> own) noexcept;
  // Resets the state: no chain is in flight, each id is linked to the next one, and all tables are free.
  void restart(const DriverQueueConfig& config, const detail::QueueAddresses& addresses,
               std::span<std::byte> own) noexcept;

  // Returns whether a chain may be added, regardless of room: Ok, Failed or InvalidArgument.
  Status admit(std::span<const detail::QueueBuffer> buffers) const noexcept;
  bool goes_into_table(std::span<const detail::QueueBuffer> buffers) const noexcept;
  std::uint16_t take_table() noexcept { return free_tables_[--free_table_count_]; }

  // Records that the chain is in flight.
  void keep(std::uint16_t id, std::size_t slots, std::span<const detail::QueueBuffer> buffers,
            std::uint64_t token) noexcept;
  // Checks an id that the device returned. On Used, the caller calls free_ring().
  Taken returned(std::uint32_t id, std::uint32_t length, Used& used) noexcept;
  // Records that the chain is no longer in flight, and frees its table.
  void forget(Shadow& chain) noexcept;
  Taken broken(DeviceFault fault) noexcept {
    fault_ = fault;
    return Taken::Broken;
  }

  DriverQueueConfig config_;
  std::span<Shadow> shadow_;  // by id
  DeviceFault fault_ = DeviceFault::None;
  std::uint32_t in_flight_ = 0;
  /// @endcond

 private:
  detail::QueueAddresses addresses_;
  std::span<std::uint16_t> free_tables_;  // a stack
  std::uint32_t free_table_count_ = 0;
  std::uint64_t wrong_lengths_ = 0;
};

}  // namespace fallow
