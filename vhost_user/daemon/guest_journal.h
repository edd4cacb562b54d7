// Keeps the record of a guest's rings, and settles what a process that died has left in them.
#pragma once

#include <cstdint>
#include <string>

#include "fallow/virtio/ring/detail/queue_buffer.h"
#include "fallow/virtio/ring/guest_memory.h"
#include "fallow/virtio/ring/ring_journal.h"
#include "vhost_user/daemon/guest_record.h"

namespace fallow::vhost {

// The device's thread, or nobody while one of the others is called.
class GuestJournal final : public RingJournal {
 public:
  explicit GuestJournal(GuestRecord& record) noexcept : record_(record) {}

  // A ring that starts anew, from Vring::base `begin`, or has stopped.
  void started(std::uint16_t queue, std::uint32_t begin, QueuePosition position) noexcept;
  void stopped(std::uint16_t queue, QueuePosition position) noexcept;
  // A ring whose memory may be another's by now. VH-4: no byte of a ring is written that its driver has not
  // made available since the ring was last set up; so nothing of it is owed any more, to no process, and
  // was_dropped() until it is started() again. Tests: ServerNewDriver.*, RandomFrontEnds.*
  void dropped(std::uint16_t queue, QueuePosition position) noexcept;
  bool was_dropped(std::uint16_t queue) const noexcept { return record_.rings[queue].dropped != 0; }
  // It stopped, by stopped() or dropped(), and was not started() since.
  bool has_stopped(std::uint16_t queue) const noexcept {
    return record_.rings[queue].get_progress().step == RingProgress::Step::None;
  }

  // What is owed to the driver of a ring that another process served. VH-3: each chain that was taken comes
  // back once, whatever the moment at which that process died. Tests: GuestJournal.*
  struct OwedChains {
    bool running = false;    // the ring has not stopped
    QueuePosition position;  // where to go on, or where it stopped
    struct Owed {
      std::uint16_t id = 0, slots = 0;
    } owed[2];
    unsigned count = 0;
    bool came_back = false;  // the chain that was being returned did
  };
  OwedChains estate(std::uint16_t queue, const GuestMemory& memory, const detail::QueueAddresses& addresses,
                    bool packed) const noexcept;
  // Empty, or why a ring at `addresses` can not have left that: a process that died may have left anything. A
  // sentence that goes on after the ring's name.
  static std::string obstacle(const OwedChains& estate, const detail::QueueAddresses& addresses, bool packed);
  // The ring goes on from there: what turned out to have come back is not looked for again.
  void went_on(std::uint16_t queue, const OwedChains& estate) noexcept;

  // RingJournal.
  void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept override;
  void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
  void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
  void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept override;

 private:
  GuestRecord& record_;
};

}  // namespace fallow::vhost
