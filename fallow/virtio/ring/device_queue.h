// The device's end of a virtqueue. The driver may write any value into the ring at any time. VQ-1: each
// field is fetched once, checked, and used only from the copy (docs/threat-model.md).
#pragma once

#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow {

/// The rule of the ring that the driver broke. The queue then stops.
enum class RingFault : std::uint8_t {
  None,
  IndexJumped,            ///< the available index moved by more than the queue size (2.7.13.3)
  HeadOutOfRange,         ///< the available ring names a descriptor that does not exist (2.7.6)
  NextOutOfRange,         ///< a next field names a descriptor that does not exist (2.7.5)
  ChainTooLong,           ///< a loop, or more elements than the queue's size (2.7.5.2, 2.8.17)
  ChainCutOff,            ///< packed: only a part of the chain is available (2.8.17)
  IndirectNotNegotiated,  ///< 2.7.5.3.1
  IndirectNested,         ///< an indirect descriptor in an indirect table (2.7.5.3.1)
  IndirectWithNext,       ///< 2.7.5.3.1
  IndirectLength,         ///< empty, or not a multiple of 16 (2.7.5.3.2)
  IndirectOutsideMemory,
  WrongOrder,  ///< a readable element after a writable one (2.7.4.2)
};
/// Returns a short description for people; never null.
const char* describe(RingFault fault) noexcept;

/// A chain that the driver made available and that the device has not returned yet.
struct Chain {
  std::uint16_t id = 0;                          // the value to return: the head, or the buffer id
  std::uint16_t slots = 0;                       ///< ring descriptors that the chain occupies; at least 1
  std::span<const detail::QueueBuffer> buffers;  ///< in memory of the queue; valid until the next pop()
};

/// The position at which a queue continues: free-running indices for a split ring; for a packed ring an
/// offset in bits 0 to 14 and the wrap counter in bit 15. A new queue starts at `fresh()`.
struct QueuePosition {
  std::uint16_t next_avail = 0;
  std::uint16_t next_used = 0;

  static constexpr QueuePosition fresh(bool packed) noexcept {
    return packed ? QueuePosition{0x8000, 0x8000} : QueuePosition{};
  }
};

enum class Popped : std::uint8_t { Chain, Nothing, Broken };

/// The interface of both ring formats. Used by one thread at a time.
class DeviceQueue {
 public:
  /// Begins to serve the ring at `addresses`. `room` holds the elements of one chain and must have at least
  /// `addresses.size` slots; `room` and `memory` must outlive the use. Returns InvalidArgument without effect
  /// for a size that the format does not allow, an area that is misaligned or not in one memory region, or a
  /// position out of range.
  virtual Status start(const GuestMemory& memory, const detail::QueueAddresses& addresses,
                       detail::RingOptions options, QueuePosition position,
                       std::span<detail::QueueBuffer> room) noexcept = 0;

  /// Takes the next chain, after walking and checking the whole chain. Broken: see fault(); no chain can be
  /// taken until the queue is started again. O(elements), at most the queue size.
  virtual Popped pop(Chain& chain) noexcept = 0;

  /// Returns a chain to the driver. `written` is the number of bytes that the device wrote from the first
  /// writable byte on. Chains may be returned in any order, each once.
  virtual void push(std::uint16_t id, std::uint16_t slots, std::uint32_t written) noexcept = 0;
  void push(const Chain& chain, std::uint32_t written) noexcept { push(chain.id, chain.slots, written); }

  /// Returns whether the driver wants a notification of the chains pushed since the last call.
  virtual bool take_notification() noexcept = 0;

  /// Requests, or declines, a kick when the driver makes a chain available. Returns whether a chain may have
  /// become available before the driver saw the request: after ask_for_kicks(true) returned true, call pop()
  /// again. Returns false after a fault.
  virtual bool ask_for_kicks(bool on) noexcept = 0;

  virtual QueuePosition position() const noexcept = 0;

  RingFault fault() const noexcept { return fault_; }

 protected:
  ~DeviceQueue() = default;
  Popped broken(RingFault fault) noexcept {
    fault_ = fault;
    return Popped::Broken;
  }
  void mend() noexcept { fault_ = RingFault::None; }

 private:
  RingFault fault_ = RingFault::None;
};

/// Records the path of each chain, so that another process can return the chains that a device held when it
/// died. Called on the device's thread. taken() precedes the first use of the chain; returning() precedes the
/// moment when the driver can see the returned chain; returned() follows that moment. At each moment the
/// journal therefore says whether a chain is owed, or a single check of the ring decides.
//
///   taken -> serving -> returning -> push -> returned
///                 \-> kept ... returning -> push -> returned
class RingJournal {
 public:
  /// `position` is the position of the queue after the chain was taken or returned.
  virtual void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept = 0;
  virtual void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept = 0;
  virtual void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept = 0;
  virtual void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept = 0;

 protected:
  ~RingJournal() = default;
};

}  // namespace fallow
