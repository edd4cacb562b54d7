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
  None,                   ///< the driver broke no rule
  IndexJumped,            ///< the available index moved by more than the queue size (2.7.13.3)
  HeadOutOfRange,         ///< the available ring names a descriptor that does not exist (2.7.6)
  NextOutOfRange,         ///< a next field names a descriptor that does not exist (2.7.5)
  ChainTooLong,           ///< a loop, or more elements than the queue's size (2.7.5.2, 2.8.17)
  ChainCutOff,            ///< packed: only a part of the chain is available (2.8.17)
  IndirectNotNegotiated,  ///< 2.7.5.3.1
  IndirectNested,         ///< an indirect descriptor in an indirect table (2.7.5.3.1)
  IndirectWithNext,       ///< 2.7.5.3.1
  IndirectLength,         ///< empty, or not a multiple of 16 (2.7.5.3.2)
  IndirectOutsideMemory,  ///< the indirect table is not wholly in one region of guest memory
  WrongOrder,             ///< a readable element after a writable one (2.7.4.2)
};
/// Returns a short description for people; never null.
const char* describe(RingFault fault) noexcept;

/// A chain that the driver made available and that the device has not returned yet.
struct Chain {
  std::uint16_t id = 0;                          ///< the value to return: the head, or the buffer id
  std::uint16_t slots = 0;                       ///< ring descriptors that the chain occupies; at least 1
  std::span<const detail::QueueBuffer> buffers;  ///< in memory of the queue; valid until the next pop()
};

/// The position at which a queue continues: free-running indices for a split ring; for a packed ring an
/// offset in bits 0 to 14 and the wrap counter in bit 15. A new queue starts at `fresh()`.
struct QueuePosition {
  std::uint16_t next_avail = 0;  ///< of the next chain to take
  std::uint16_t next_used = 0;   ///< of the next chain to return

  /// Returns the position of a new queue.
  static constexpr QueuePosition fresh(bool packed) noexcept {
    return packed ? QueuePosition{0x8000, 0x8000} : QueuePosition{};
  }
};

/// The outcome of DeviceQueue::pop().
enum class Popped : std::uint8_t {
  Chain,    ///< a chain was taken
  Nothing,  ///< no chain is available
  Broken,   ///< the driver broke a rule of the ring
};

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
  /// @{
  virtual void push(std::uint16_t id, std::uint16_t slots, std::uint32_t written) noexcept = 0;
  void push(const Chain& chain, std::uint32_t written) noexcept { push(chain.id, chain.slots, written); }
  /// @}

  /// Returns whether the driver wants a notification of the chains pushed since the last call.
  virtual bool take_notification() noexcept = 0;

  /// Requests, or declines, a kick when the driver makes a chain available. Returns whether a chain may have
  /// become available before the driver saw the request: after ask_for_kicks(true) returned true, call pop()
  /// again. Returns false after a fault.
  virtual bool ask_for_kicks(bool on) noexcept = 0;

  /// Returns where another device would continue.
  virtual QueuePosition position() const noexcept = 0;

  /// Returns the rule that the driver broke since the last start().
  RingFault fault() const noexcept { return fault_; }

 protected:
  /// @cond
  // For the two formats, which are internal.
  ~DeviceQueue() = default;
  /// Records the fault. For the formats.
  Popped broken(RingFault fault) noexcept {
    fault_ = fault;
    return Popped::Broken;
  }
  /// Resets the state of both formats. The caller has checked the parameters.
  void restart(const GuestMemory& memory, std::uint16_t size, detail::RingOptions options,
               std::span<detail::QueueBuffer> room) noexcept {
    memory_ = &memory;
    room_ = room.first(size);
    length_ = 0;
    size_ = size;
    options_ = options;
    fault_ = RingFault::None;
  }
  /// Appends an element to the chain in room_, which must have a free slot. Refuses a readable element after
  /// a writable one (2.7.4.2, 2.8.17).
  RingFault append(const detail::QueueBuffer& buffer) noexcept {
    if (!buffer.device_writable && length_ != 0 && room_[length_ - 1].device_writable)
      return RingFault::WrongOrder;
    copy_members(room_[length_++], buffer);
    return RingFault::None;
  }

  const GuestMemory* memory_ = nullptr;
  std::span<detail::QueueBuffer> room_;
  std::uint32_t length_ = 0;  // elements of the chain in room_
  std::uint16_t size_ = 0;
  detail::RingOptions options_;
  /// @endcond

 private:
  RingFault fault_ = RingFault::None;
};

/// Called on the device's thread. taken() precedes the first use of the chain; returning() precedes the
/// moment when the driver can see the returned chain; returned() follows that moment. At each moment the
/// journal therefore says whether a chain is owed, or a single check of the ring decides.
///
/// ```
/// taken -> serving -> returning -> push -> returned
///               \-> kept ... returning -> push -> returned
/// ```
class RingJournal {
 public:
  /// The device took a chain; `position` is the position of the queue afterwards.
  virtual void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept = 0;
  /// The device keeps the chain for a later answer, as it does with a buffer of statistics.
  virtual void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept = 0;
  /// The device is about to return the chain.
  virtual void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept = 0;
  /// The device has returned the chain; `position` is the position of the queue afterwards.
  virtual void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept = 0;

 protected:
  ~RingJournal() = default;
};

}  // namespace fallow
