// What a vhost-user session asks of the device of a guest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/features.h"
#include "vhost_user/protocol/request_table.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// Why a ring stops, which says whether the driver is still there to take back what it is owed.
enum class RingEnd : std::uint8_t {
  Asked,      // GET_VRING_BASE: all that was taken is returned
  HangUp,     // the connection ends: so it is, unless the ring is disabled or the driver may be gone
  NewSetUp,   // its size, base or addresses come anew: nothing is written into it any more
  NewDriver,  // features while it ran, or a reset: the same, and it has to be set up from the beginning
};
constexpr bool drops(RingEnd why) noexcept { return why == RingEnd::NewSetUp || why == RingEnd::NewDriver; }

// Called by the thread that runs the session. The front-end, and with it the whole guest, may stand still
// until a call returns, so none may wait.
//
// Answers. Ok: done. Pending: begun, and VhostSession::step() is to be called again when it may be done; the
// same calls then come again with the same arguments, also those that answered Ok before. Anything else:
// refused, and nothing has changed. Each call must bear being repeated, before and after it had its effect.
//
// Descriptors are lent: they stay open until the call that takes them back has answered Ok (and a little
// longer). That is replace_descriptors(), start_ring() and stop_ring() for those of a ring; set_memory() and
// remove_region() for those of memory; set_inflight() and get_inflight() for that of the area. Whoever needs
// one for longer duplicates it. None may be closed, and none changed in a way that the front-end sees
// (O_NONBLOCK is a property of what the front-end holds too).
class Backend {
 public:
  // ---- What there is. Does not change while a session runs. ----

  // Offered to the driver; bit 30 is added.
  virtual Features features() const noexcept = 0;
  // Of these, those without which no driver can be served: set_features() does not come without them.
  virtual Features needed_features() const noexcept { return 0; }
  // Those to be offered; the session leaves out what it does not serve.
  virtual std::uint64_t protocol_features() const noexcept { return kVhostServed; }
  virtual std::uint32_t max_queues() const noexcept = 0;  // 1 to kVhostMaxVrings
  virtual std::uint32_t max_queue_size() const noexcept { return 32768; }
  virtual std::uint32_t max_memory_slots() const noexcept { return kVhostMaxRegions; }  // at most that

  // ---- Configuration. ----

  // All of `into`, or a refusal. At most kVhostMaxConfig bytes; beyond the end there are none.
  virtual Status read_config(std::uint32_t offset, std::span<std::byte> into) noexcept = 0;
  // `migration`: what is read-only for the driver is set too.
  virtual Status write_config(std::uint32_t offset, std::span<const std::byte> from,
                              bool migration) noexcept = 0;

  // ---- Setting up. ----

  // Without bit 30, and a subset of features(). A driver begins: comes at least once before its rings start,
  // and when features change while no ring is started.
  virtual Status set_features(Features features) noexcept = 0;

  // Replaces all memory; empty: there is none any more. Regions are not empty, do not wrap, and overlap
  // neither as guest nor as user addresses; what the files hold is for the back-end to see. Rings may be
  // started: Ok means that none of them uses the old memory any more.
  virtual Status set_memory(std::span<const MemoryRegion> regions) noexcept = 0;
  virtual Status add_region(const MemoryRegion& region) noexcept = 0;
  virtual Status remove_region(const MemoryRegion& region) noexcept = 0;

  // Status of the device (virtio 1.2, 2.1); with it, and without STATUS never. 0 is a reset: all rings are
  // stopped.
  virtual Status set_status(std::uint8_t status) noexcept = 0;
  virtual std::uint8_t status() const noexcept = 0;

  // Back to the initial state, but for memory. All rings are stopped.
  virtual Status reset_device() noexcept = 0;

  // ---- Rings. `settings` are those that will count when the message is done. ----

  // `settings.vrings[vring]` has a size, addresses and a kick descriptor. It may be disabled: see
  // `settings.enabled(vring)`. What was made available before must be looked for without a kick.
  virtual Status start_ring(std::uint32_t vring, const Settings& settings) noexcept = 0;
  // Cannot be refused. Ok: `base` is where it goes on (Vring::base), and nothing is written into the ring any
  // more; what was taken from it, see `why`. Repeated for a ring that stopped: Ok, and the same base again.
  virtual Status stop_ring(std::uint32_t vring, RingEnd why, std::uint32_t& base) noexcept = 0;
  // Of a started ring; cannot be refused. A disabled one is not to be served; Ok: nothing is written into it
  // until it is enabled again.
  virtual Status enable_ring(std::uint32_t vring, bool on) noexcept = 0;
  // The front-end did what User Mode Linux does last when a driver goes whose rings it cannot disable, and
  // which may free them now. Cannot be refused. Ok: what the driver made available is served, and nothing is
  // written into a ring until it makes something available again.
  virtual Status driver_may_leave() noexcept { return Status::Ok; }
  // Of a started ring: kick, call or err is another one, or none. A kick that waits in the new one counts.
  virtual Status replace_descriptors(std::uint32_t vring, const Vring& ring) noexcept = 0;

  // ---- Inflight tracking. ----

  // Makes an area for `area.queues` queues of `area.queue_size`, and fills in the rest. The descriptor is the
  // session's then.
  virtual Status get_inflight(InflightSettings& inflight) noexcept = 0;
  virtual Status set_inflight(const InflightSettings& inflight) noexcept = 0;

  // Why the last call refused, for the log; null: the status says it all.
  virtual const char* why() const noexcept { return nullptr; }

 protected:
  ~Backend() = default;
};

}  // namespace fallow::vhost
