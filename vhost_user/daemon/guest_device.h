// The balloon device of a guest with its rings, its memory and its configuration.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fallow/balloon/device/balloon_device.h"
#include "vhost_user/daemon/guest_events.h"
#include "vhost_user/daemon/guest_journal.h"
#include "vhost_user/daemon/guest_memory_files.h"
#include "vhost_user/daemon/guest_record.h"
#include "vhost_user/daemon/kick_poll.h"
#include "vhost_user/daemon/ring_journals.h"
#include "vhost_user/daemon/same_driver.h"
#include "vhost_user/session/backend.h"

namespace fallow::vhost {

// How the daemon serves its guests.
struct BalloonGuestOptions {
  // Offered to the driver. VERSION_1 is always added; the session adds bit 30.
  Features features = kBalloonDaemonFeatures | kFeatureIndirectDesc | kFeatureEventIdx;
  std::uint16_t max_queue_size = 256;  // 1 to 1024
  ByteCount max_memory{};              // of all regions of a guest together; 0: unlimited
};

// Called with the guest's lock held, except where stated otherwise. Calls with the names of Backend functions
// implement these, and may be called only while the guest's thread is not inside the device, except where
// stated otherwise.
class GuestDevice {
 public:
  static constexpr std::size_t kMaxNotifications = 2 * std::size_t{kVhostMaxVrings};

  // The work of the guest's thread: a bit for each ring.
  struct Work {
    std::uint32_t pending = 0;          // rings that may have chains
    std::uint32_t calls = 0, errs = 0;  // rings whose driver or front-end must be notified

    bool any() const noexcept { return (pending | calls | errs) != 0; }
    bool notifies() const noexcept { return (calls | errs) != 0; }
    bool notifies(std::uint16_t queue) const noexcept { return ((calls | errs) >> queue & 1) != 0; }
  };

  GuestDevice(const BalloonGuestOptions& options, GuestRecord& record, BalloonGuestEvents& events,
              DiscardGate& gate);
  // Call once, before all others. Returns an empty string, or what failed.
  std::string create(DriverNotifier& notifier, BalloonObserver& observer);

  BalloonDevice& device() const noexcept { return *device_; }
  GuestMemoryFiles& memory() const noexcept { return *memory_; }
  const std::vector<MemoryRegion>& regions() const noexcept { return regions_; }
  KickPoll& kicks() noexcept { return kicks_; }
  Work& work() noexcept { return work_; }
  // The reason for the last refusal; null: none.
  const char* why() const noexcept { return why_.empty() ? nullptr : why_.c_str(); }
  // Rings continue where they were, and owed chains are handed back.
  void set_resuming(bool on) noexcept { resuming_ = on; }
  std::uint32_t max_queue_size() const noexcept { return options_.max_queue_size; }
  Features offered() const noexcept { return options_.features | kFeatureVersion1; }
  std::uint8_t status() const noexcept {
    return static_cast<std::uint8_t>(status_ | (device_->status() & kStatusNeedsReset));
  }

  bool any_started() const noexcept;
  bool ready() const noexcept;  // a ring is served
  // The ring runs, and the device may write only into chains that the driver makes available from now on.
  bool rests(std::uint16_t queue) const noexcept {
    return queue < rings_.size() && rings_[queue].started && at_rest(queue);
  }

  // ---- For the guest's thread. ----

  // Records kicks: a bit for each ring.
  void kicked(std::uint32_t rings) noexcept;
  // Serves at most `budget` chains; returns whether there may be more.
  bool process(std::uint16_t queue, std::uint32_t budget) noexcept;
  // Reports a fault of the ring, if there is a new one.
  void report_fault(std::uint16_t queue) noexcept;
  // Takes the descriptors through which notifications are due, -1 for absent ones. Returns their number.
  std::size_t take_notifications(std::span<int, kMaxNotifications> due) noexcept;

  // ---- For the session. ----

  Status read_config(std::uint32_t offset, std::span<std::byte> into) noexcept;         // at any time
  Status write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept;  // at any time
  Status set_features(Features features) noexcept;
  Status change_memory(std::span<const MemoryRegion> regions) noexcept;
  Status set_status(std::uint8_t status) noexcept;
  Status reset_device() noexcept;
  Status get_inflight(InflightSettings& inflight) noexcept;  // without the lock
  Status set_inflight(const InflightSettings& inflight) noexcept;
  Status start_ring(std::uint32_t vring, const Settings& settings) noexcept;
  // At any time: nothing more is written into the ring.
  void drop_ring(std::uint16_t queue, RingEnd why) noexcept;
  // Stops the ring; the descriptors for its notifications stay until forget_ring(), which returns the base.
  void stop_ring(std::uint16_t queue, RingEnd why) noexcept;
  std::uint32_t forget_ring(std::uint16_t queue) noexcept;
  void enable_ring(std::uint16_t queue, bool on) noexcept;
  Status replace_descriptors(std::uint32_t vring, const Vring& next) noexcept;

 private:
  // A started ring.
  struct Ring {
    bool started = false, enabled = false;
    detail::QueueAddresses at{};
    int kick = -1, call = -1, err = -1;  // owned by the session
    bool stale_kick = false;             // the next event reports kicks that came before the ring rested
  };
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };

  Status refuse(std::string why) noexcept;
  bool packed() const noexcept { return device_->has(kFeatureRingPacked); }
  bool at_rest(std::uint16_t queue) const noexcept {
    return !rings_[queue].enabled || record_.driver_leaving != 0;
  }

  void begin_device(Features features) noexcept;
  void restart_device() noexcept;
  void another_driver() noexcept;
  bool begins_with(std::uint16_t queue, std::uint32_t base) const noexcept;
  void decide_driver(std::uint16_t queue, std::uint32_t base) noexcept;

  GuestJournal::OwedChains owed_chains_of(std::uint16_t queue) const noexcept;
  std::string inflight_of(std::uint16_t queue, const detail::QueueAddresses& at, QueuePosition& position,
                          std::vector<std::uint16_t>& owed);
  Status start_anew(std::uint16_t queue, std::uint32_t base) noexcept;
  Status resume_queue(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept;
  bool begin_ring(std::uint16_t queue, QueuePosition position) noexcept;
  QueuePosition end_ring(std::uint16_t queue) noexcept;
  void report_queues(std::uint16_t queue) noexcept;
  void keep_owed(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept;
  void hand_back_owed(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept;
  bool watch(std::uint32_t vring, int kick) noexcept;

  void write_poison(std::uint32_t at, std::span<const std::byte> from, bool wide) noexcept;
  void next_poison(bool same_driver) noexcept;
  void apply_poison() noexcept;
  void write_field(std::uint32_t offset, std::uint32_t value) noexcept;

  const BalloonGuestOptions options_;
  GuestRecord& record_;
  BalloonGuestEvents& events_;
  DiscardGate& gate_;
  SameDriver same_driver_;
  RingJournals journals_;
  KickPoll kicks_;
  Work work_;
  bool resuming_ = false;
  bool queues_reported_ = false;  // for the current driver
  std::uint64_t faults_ = 0;      // ring faults that were reported
  std::uint8_t status_ = 0;
  std::string why_;

  std::unique_ptr<GuestMemoryFiles> memory_;
  std::vector<MemoryRegion> regions_;
  std::unique_ptr<std::byte[], Free> metadata_;
  BalloonDevice* device_ = nullptr;
  std::array<Ring, kVhostMaxVrings> rings_;
};

}  // namespace fallow::vhost
