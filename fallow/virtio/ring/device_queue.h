// The device's end of a virtqueue. The driver may write anything into the ring at any time: each field is
// fetched once, checked, and used from the copy: VQ-1 (docs/threat-model.md).
#pragma once

#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow {

// How a driver broke the rules of the ring. The queue is stopped then.
enum class RingFault : std::uint8_t {
  None,
  IndexJumped,            // the available index moved by more than the queue size (2.7.13.3)
  HeadOutOfRange,         // the available ring names a descriptor that there is not (2.7.6)
  NextOutOfRange,         // so does a descriptor's next field (2.7.5)
  ChainTooLong,           // a loop, or more elements than the queue's size (2.7.5.2, 2.8.17)
  ChainCutOff,            // packed: the first of a chain is available, the rest is not (2.8.17)
  IndirectNotNegotiated,  // 2.7.5.3.1
  IndirectNested,         // an indirect descriptor in an indirect table (2.7.5.3.1)
  IndirectWithNext,       // 2.7.5.3.1
  IndirectLength,         // empty, or no multiple of 16 (2.7.5.3.2)
  IndirectOutsideMemory,
  WrongOrder,  // a readable element after a writable one (2.7.4.2)
};
// A few words for people; never null.
const char* describe(RingFault fault) noexcept;

// A chain that the driver made available and that waits to be returned.
struct Chain {
  std::uint16_t id = 0;                          // what is returned: the head, or the buffer id
  std::uint16_t slots = 0;                       // descriptors of the ring that it takes up; at least 1
  std::span<const detail::QueueBuffer> buffers;  // in the queue's own room: until the next pop()
};

// Where a queue continues: free-running for a split ring; for a packed one an offset in bits 0 to 14 and the
// wrap counter in bit 15. A queue that starts anew starts at `fresh()`.
struct QueuePosition {
  std::uint16_t next_avail = 0;
  std::uint16_t next_used = 0;

  static constexpr QueuePosition fresh(bool packed) noexcept {
    return packed ? QueuePosition{0x8000, 0x8000} : QueuePosition{};
  }
};

enum class Popped : std::uint8_t { Chain, Nothing, Broken };

// One thread at a time.
class DeviceQueue {
 public:
  // Begins to serve the ring at `addresses`. `room` takes the elements of one chain and must have at least
  // `addresses.size` places; it and `memory` must outlive the use. InvalidArgument for a size that the format
  // does not allow, an area that is misaligned or not in one region of memory, or a position out of range:
  // nothing changes.
  virtual Status start(const GuestMemory& memory, const detail::QueueAddresses& addresses,
                       detail::RingOptions options, QueuePosition position,
                       std::span<detail::QueueBuffer> room) noexcept = 0;

  // Takes the next chain. All of it is walked and checked before any of it is returned. Broken: see fault();
  // nothing more can be taken until the queue is started anew. O(elements), at most size.
  virtual Popped pop(Chain& chain) noexcept = 0;

  // Returns a chain: the device wrote `written` bytes, beginning at the first writable one. Chains may be
  // returned in any order, each once.
  virtual void push(std::uint16_t id, std::uint16_t slots, std::uint32_t written) noexcept = 0;
  void push(const Chain& chain, std::uint32_t written) noexcept { push(chain.id, chain.slots, written); }

  // Whether the driver wants to be notified of what was pushed since the last call.
  virtual bool take_notification() noexcept = 0;

  // Asks the driver to notify, or not to, when it makes a chain available. Returns whether there may be one
  // that was made available before it took notice: after ask_for_kicks(true) returned true, pop() again.
  // False after a fault.
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

}  // namespace fallow
