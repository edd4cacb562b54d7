// Keeps the record of a guest's rings, and determines what a process that died left undone in them.
#pragma once

#include <cstdint>
#include <string>

#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "fallow/virtio/ring/device_queue.h"
#include "fallow/virtio/ring/guest_memory.h"
#include "vhost_user/daemon/guest_record.h"

namespace fallow::vhost {

// Called by the device's thread, or by another thread while the device's thread is excluded.
class GuestJournal final : public RingJournal {
 public:
  explicit GuestJournal(GuestRecord& record) noexcept : record_(record) {}

  // The ring starts anew, from Vring::base `begin`, or has stopped.
  void started(std::uint16_t queue, std::uint32_t begin, QueuePosition position) noexcept;
  void stopped(std::uint16_t queue, QueuePosition position) noexcept;
  // The ring's memory may belong to another driver by now. VH-4: the device writes no byte of a ring that the
  // driver has not made available since the ring was last set up. So no process owes the driver anything, and
  // was_dropped() holds until started() is called again. Tests: ServerNewDriver.*, RandomFrontEnds.*
  void dropped(std::uint16_t queue, QueuePosition position) noexcept;
  bool was_dropped(std::uint16_t queue) const noexcept { return record_.rings[queue].dropped != 0; }
  // The ring was stopped by stopped() or dropped(), and not started() since.
  bool has_stopped(std::uint16_t queue) const noexcept {
    return record_.rings[queue].get_progress().step == RingProgress::Step::None;
  }

  // The chains that are owed to the driver of a ring that another process served. VH-3: each chain that was
  // taken is returned exactly once, whenever that process died. Tests: GuestJournal.*
  struct OwedChains {
    bool running = false;    // the ring has not stopped
    QueuePosition position;  // where the ring continues, or where it stopped
    struct Owed {
      std::uint16_t id = 0, slots = 0;
    } owed[2];
    unsigned count = 0;
    bool came_back = false;  // the chain that was being returned reached the ring
  };
  OwedChains owed_chains(std::uint16_t queue, const GuestMemory& memory,
                         const detail::QueueAddresses& addresses, bool packed) const noexcept;
  // Returns why a ring at `addresses` cannot have left these values, as a clause to be put after the ring's
  // name, or an empty string. A process that died may have left anything.
  static std::string inconsistency(const OwedChains& chains, const detail::QueueAddresses& addresses,
                                   bool packed);
  // The ring continues from there: a return that turned out to be complete is recorded as such.
  void continued(std::uint16_t queue, const OwedChains& chains) noexcept;

  // RingJournal.
  void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept override;
  void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
  void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
  void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept override;

 private:
  GuestRecord& record_;
};

}  // namespace fallow::vhost
