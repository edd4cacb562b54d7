// The state that a daemon keeps of one guest, as plain numbers in memory that is shared with its supervisor.
// When the process that serves the guest dies, another process continues from this record.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "fallow/virtio/ring/device_queue.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// The position of a ring and what is owed to its driver, in one word, so that each step of RingJournal is one
// store.
struct RingProgress {
  enum class Step : std::uint64_t {
    None,       // the ring stopped at the position, or never started
    Idle,       // nothing is owed
    Serving,    // chain `id` is owed
    Returning,  // chain `id` is owed, unless the ring shows that it was returned
  };

  QueuePosition position;
  std::uint16_t id = 0;
  std::uint16_t slots = 0;  // 14 bits: 2^14 stands for 2^14 and more, which no chain in use has
  Step step = Step::None;

  std::uint64_t word() const noexcept {
    return std::uint64_t{position.next_avail} | std::uint64_t{position.next_used} << 16 |
           std::uint64_t{id} << 32 | std::uint64_t{slots & 0x3fffU} << 48 |
           static_cast<std::uint64_t>(step) << 62;
  }
  static RingProgress of(std::uint64_t word) noexcept {
    return {{static_cast<std::uint16_t>(word), static_cast<std::uint16_t>(word >> 16)},
            static_cast<std::uint16_t>(word >> 32),
            static_cast<std::uint16_t>(word >> 48 & 0x3fff),
            static_cast<Step>(word >> 62)};
  }
};

// The position at which GET_VRING_BASE stopped a ring: see SameDriver.
struct HandedOut {
  std::uint32_t valid = 0;
  std::uint32_t base = 0;  // the base in the reply
  detail::QueueAddresses at;
};

// The ring for which the in-flight area was written.
struct Tracked {
  std::uint32_t valid = 0;
  detail::QueueAddresses at;
};

struct RingRecord {
  std::uint64_t progress = 0;  // RingProgress::word()
  std::uint32_t begin = 0;     // Vring::base when it was started
  std::uint32_t kept = 0;      // the chain that the device keeps: 0, or 1 << 31 | slots << 16 | id
  std::uint32_t dropped =
      0;  // the memory may belong to another driver: do not touch it until the ring is set up again
  HandedOut handed;
  Tracked tracked;

  // release: MO-28, the action that the word records was completed before.
  void set_progress(RingProgress p) noexcept {
    std::atomic_ref<std::uint64_t>(progress).store(p.word(), std::memory_order_release);
  }
  RingProgress get_progress() const noexcept { return RingProgress::of(progress); }
};

// The poison value (virtio 1.2, 5.5.6.6), byte by byte: a front-end may write parts of it, at any time.
struct PoisonRecord {
  static constexpr std::uint8_t kAll = 0xf;  // mask of all four bytes

  std::uint32_t value = 0;
  std::uint8_t known = 0;  // mask: bytes that certainly hold the driver's value
  // Mask: bytes written since all rings last stopped. If another driver begins, these are its values.
  std::uint8_t fresh = 0;
};

struct GuestRecord {
  std::uint32_t in_use = 0;              // 0: the slot is free
  std::uint32_t begun = 0;               // a process has begun to serve the guest
  std::uint32_t socket = 0;              // index of the listening socket it came from
  std::uint64_t number = 0;              // of the guest, counted from 1 since the daemon started
  std::uint32_t target = 0, actual = 0;  // from the configuration space (virtio 1.2, 5.5.4)
  PoisonRecord poison;                   // also from the configuration space
  std::uint32_t driver_open = 0;         // see SameDriver
  std::uint32_t driver_leaving = 0;      // see BalloonGuest::driver_may_leave()
  std::uint32_t paused = 0;              // memory is not released
  std::uint32_t restarts = 0;            // processes that died while they served the guest
  RingRecord rings[kVhostMaxVrings];
  State vhost;
};
static_assert(std::is_trivially_copyable_v<GuestRecord>);

}  // namespace fallow::vhost
