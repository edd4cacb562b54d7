// The interface through which a vhost-user session drives the device of a guest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/features.h"
#include "vhost_user/protocol/request_table.h"
#include "vhost_user/session/state.h"

namespace fallow::vhost {

// Why a ring stops. This decides whether the driver is still present to take back the chains that it is owed.
enum class RingEnd : std::uint8_t {
  Asked,      // GET_VRING_BASE: every chain that was taken is returned
  HangUp,     // the connection ends: the same, unless the ring is disabled or the driver may be gone
  NewSetUp,   // a new size, base or address: nothing more is written into the ring
  NewDriver,  // new features while the ring runs, or a reset: the same, and the ring must be set up from
              // scratch
};
constexpr bool drops(RingEnd why) noexcept { return why == RingEnd::NewSetUp || why == RingEnd::NewDriver; }

// The session's thread makes all calls. The front-end, and with it the whole guest, may stand still until a
// call returns, so no call may block.
//
// Results. Ok: the call is complete. Pending: the work has begun, and Session::step() must be called
// again when it may be complete; the session then repeats the same calls with the same arguments, including
// those that returned Ok before. Any other status: the call is refused and nothing has changed. Every call
// must be idempotent, before and after it takes effect.
//
// Descriptors are lent. A descriptor stays open until shortly after the call that takes it back has returned
// Ok. For the descriptors of a ring these calls are replace_descriptors(), start_ring() and stop_ring(); for
// those of memory, set_memory() and remove_region(); for that of the in-flight area, set_inflight() and
// get_inflight(). A back-end that needs a descriptor for longer duplicates it. A back-end may neither close a
// descriptor nor change it in a way that the front-end can see: O_NONBLOCK, for example, also affects the
// front-end's copy.
class Backend {
 public:
  // ---- Capabilities. They do not change while a session runs. ----

  // Offered to the driver. The session adds bit 30.
  virtual Features features() const noexcept = 0;
  // The features among these without which the back-end cannot serve any driver; the session refuses
  // SET_FEATURES without them.
  virtual Features needed_features() const noexcept { return 0; }
  // The protocol features to offer; the session removes those that it cannot serve.
  virtual std::uint64_t protocol_features() const noexcept { return kServedProtocolFeatures; }
  virtual std::uint32_t max_queues() const noexcept = 0;  // 1 to kVhostMaxVrings
  virtual std::uint32_t max_queue_size() const noexcept { return 32768; }
  virtual std::uint32_t max_memory_slots() const noexcept { return kVhostMaxRegions; }  // at most this many

  // ---- Configuration. ----

  // Fills all of `into`, at most kVhostMaxConfig bytes, or refuses. Bytes beyond the end of the configuration
  // do not exist.
  virtual Status read_config(std::uint32_t offset, std::span<std::byte> into) noexcept = 0;
  // `migration`: also sets the fields that are read-only for the driver.
  virtual Status write_config(std::uint32_t offset, std::span<const std::byte> from,
                              bool migration) noexcept = 0;

  // ---- Setup. ----

  // `features` excludes bit 30 and is a subset of features(). Reported the beginning of a driver: called at
  // least once before its rings start, and when features change while no ring is started.
  virtual Status set_features(Features features) noexcept = 0;

  // Replaces all memory; an empty span removes it. Regions are not empty, do not wrap, and overlap neither in
  // guest nor in user addresses; the back-end checks the files. Rings may be started: Ok means that no ring
  // uses the old memory any more.
  virtual Status set_memory(std::span<const MemoryRegion> regions) noexcept = 0;
  virtual Status add_region(const MemoryRegion& region) noexcept = 0;
  virtual Status remove_region(const MemoryRegion& region) noexcept = 0;

  // The device status (virtio 1.2, 2.1); called only if the STATUS protocol feature was negotiated. 0 is a
  // reset, for which all rings are stopped.
  virtual Status set_status(std::uint8_t status) noexcept = 0;
  virtual std::uint8_t status() const noexcept = 0;

  // Restores the initial state, except memory. All rings are stopped.
  virtual Status reset_device() noexcept = 0;

  // ---- Rings. `settings` are those that take effect when the message is complete. ----

  // `settings.vrings[vring]` has a size, addresses and a kick descriptor. The ring may be disabled: see
  // `settings.enabled(vring)`. The back-end must look for chains that were made available earlier without
  // waiting for a kick.
  virtual Status start_ring(std::uint32_t vring, const Settings& settings) noexcept = 0;
  // Must not be refused. Ok: `base` is the position at which the ring continues (Vring::base), and nothing
  // more is written into the ring; `why` decides the fate of the chains taken from it. For a ring that has
  // already stopped the call returns Ok and the same base.
  virtual Status stop_ring(std::uint32_t vring, RingEnd why, std::uint32_t& base) noexcept = 0;
  // For a started ring; must not be refused. A disabled ring must not be served. Ok: nothing is written into
  // the ring until it is enabled again.
  virtual Status enable_ring(std::uint32_t vring, bool on) noexcept = 0;
  // The front-end did what User Mode Linux does last when a driver leaves whose rings it cannot disable; the
  // driver may free the rings now. Must not be refused. Ok: every chain that the driver made available has
  // been served, and nothing is written into a ring until the driver makes another chain available.
  virtual Status driver_may_leave() noexcept { return Status::Ok; }
  // For a started ring: one of kick, call and err was replaced or removed. A kick that is pending in the new
  // descriptor counts.
  virtual Status replace_descriptors(std::uint32_t vring, const Vring& ring) noexcept = 0;

  // ---- Inflight tracking. ----

  // Creates an area for `area.queues` queues of `area.queue_size` entries and fills in the other fields. The
  // session then owns the descriptor.
  virtual Status get_inflight(InflightSettings& inflight) noexcept = 0;
  virtual Status set_inflight(const InflightSettings& inflight) noexcept = 0;

  // The reason for the last refusal, for the log; null: the status is the whole reason.
  virtual const char* why() const noexcept { return nullptr; }

 protected:
  ~Backend() = default;
};

}  // namespace fallow::vhost
