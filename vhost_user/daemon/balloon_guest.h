// One guest of a daemon: the balloon device behind a vhost-user session, and the thread that serves it.
//
//   front-end -> Session -> BalloonGuest -> BalloonDevice -> FileBacking -> fallocate()
//      (the daemon's thread)    |            (the guest's thread)
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fallow/balloon/device/balloon_device.h"
#include "fallow/host/expected.h"
#include "vhost_user/daemon/guest_events.h"
#include "vhost_user/daemon/guest_journal.h"
#include "vhost_user/daemon/guest_memory_files.h"
#include "vhost_user/daemon/guest_record.h"
#include "vhost_user/daemon/guest_snapshot.h"
#include "vhost_user/daemon/kick_poll.h"
#include "vhost_user/daemon/ring_journals.h"
#include "vhost_user/daemon/same_driver.h"
#include "vhost_user/session/backend.h"

namespace fallow::vhost {

struct BalloonGuestOptions {
  // Offered to the driver. VERSION_1 is always added; the session adds bit 30.
  Features features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom | kBalloonPageReporting |
                      kFeatureIndirectDesc | kFeatureEventIdx;
  std::uint16_t max_queue_size = 256;  // 1 to 1024
  ByteCount max_memory{};              // of all regions of a guest together; 0: unlimited
};

// Backend. The daemon's thread calls all members, except where stated otherwise.
class BalloonGuest final : public Backend,
                           private DriverNotifier,
                           private BalloonObserver,
                           private DiscardGate {
 public:
  // Starts the guest's thread. `record` was initialised by begin_connection() or left by another process.
  // `record`, `events` and `session_event` must outlive the guest. `session_event` is an eventfd; it is
  // written when a call that returned Pending may be repeated, when the configuration changed, or when the
  // guest's memory is lost.
  static Expected<BalloonGuest> create(const BalloonGuestOptions& options, GuestRecord& record,
                                       BalloonGuestEvents& events, int session_event);
  // Waits for the request under way and leaves the record unchanged: for the next process, or because
  // Session::close() has already cleaned up.
  ~BalloonGuest();
  BalloonGuest(const BalloonGuest&) = delete;
  BalloonGuest& operator=(const BalloonGuest&) = delete;

  // Set around Session::resume(): rings continue where they were, and owed chains are handed back.
  void set_resuming(bool on) noexcept { resuming_ = on; }

  // Returns true once after each change of the configuration, of which the front-end must then be told.
  bool take_config_change() noexcept;
  // Interrupts a notification that waits for the front-end to read. Call this repeatedly while a call that
  // must end, whatever the front-end does, returns Pending.
  void interrupt_notification() noexcept;
  // The memory file became shorter: the session must be closed.
  bool memory_lost() noexcept;

  void set_target(PfnCount frames) noexcept;
  void pause(bool on) noexcept;
  // Requests new statistics. Busy: the last request is not answered yet, or no driver is present.
  Status request_statistics() noexcept;
  // Asks the kernel for the resident size: one system call for each region.
  GuestSnapshot snapshot() noexcept;

  // Backend.
  Features features() const noexcept override { return options_.features | kFeatureVersion1; }
  Features needed_features() const noexcept override { return kFeatureVersion1; }
  std::uint32_t max_queues() const noexcept override;
  std::uint32_t max_queue_size() const noexcept override { return options_.max_queue_size; }
  Status read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override;
  Status write_config(std::uint32_t offset, std::span<const std::byte> from,
                      bool migration) noexcept override;
  Status set_features(Features features) noexcept override;
  Status set_memory(std::span<const MemoryRegion> regions) noexcept override;
  Status add_region(const MemoryRegion& region) noexcept override;
  Status remove_region(const MemoryRegion& region) noexcept override;
  Status set_status(std::uint8_t status) noexcept override;
  std::uint8_t status() const noexcept override {
    return static_cast<std::uint8_t>(status_ | (device_->status() & kStatusNeedsReset));
  }
  Status reset_device() noexcept override;
  Status start_ring(std::uint32_t vring, const Settings& settings) noexcept override;
  Status stop_ring(std::uint32_t vring, RingEnd why, std::uint32_t& base) noexcept override;
  Status enable_ring(std::uint32_t vring, bool on) noexcept override;
  Status driver_may_leave() noexcept override;
  Status replace_descriptors(std::uint32_t vring, const Vring& ring) noexcept override;
  Status get_inflight(InflightSettings& inflight) noexcept override;
  Status set_inflight(const InflightSettings& inflight) noexcept override;
  const char* why() const noexcept override { return why_.empty() ? nullptr : why_.c_str(); }

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
  using Lock = std::unique_lock<std::mutex>;
  // The daemon's thread waits until all kicks so far are served, including those that the guest's thread has
  // received from epoll and not recorded yet. The guest's thread therefore runs one more full round.
  enum class Settling : std::uint8_t { No, Asked, Looking, Done };

  static constexpr std::uint32_t kBudget = 16;  // chains between two checks for the daemon's thread

  BalloonGuest(const BalloonGuestOptions& options, GuestRecord& record, BalloonGuestEvents& events,
               int session_event);
  std::string set_up();

  // For the daemon's thread. Announces the wait, so that the guest's thread, which unlocks often, does not
  // take the lock again first.
  Lock lock() noexcept;
  // False: a request is under way; the session's eventfd is written when the request is complete.
  bool quiet() noexcept;
  Status refuse(std::string why) noexcept;
  bool any_started() const noexcept;
  bool packed() const noexcept { return device_->has(kFeatureRingPacked); }

  void thread_main() noexcept;
  void settle() noexcept;
  void serve(Lock& lock) noexcept;
  void wake_session() noexcept;
  void report_fault(std::uint16_t queue) noexcept;
  void notify_driver(Lock& lock) noexcept;

  // Returns whether the device may write only into chains that the driver makes available from now on.
  bool at_rest(std::uint16_t queue) const noexcept {
    return !rings_[queue].enabled || record_.driver_leaving != 0;
  }
  GuestJournal::OwedChains owed_chains_of(std::uint16_t queue) const noexcept;
  std::string inflight_of(std::uint16_t queue, const detail::QueueAddresses& at, QueuePosition& position,
                          std::vector<std::uint16_t>& owed);
  bool begins_with(std::uint16_t queue, std::uint32_t base) const noexcept;
  void decide_driver(std::uint16_t queue, std::uint32_t base) noexcept;
  void another_driver() noexcept;
  Status start_anew(std::uint16_t queue, std::uint32_t base) noexcept;
  Status resume_queue(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept;
  bool begin_ring(std::uint16_t queue, QueuePosition position) noexcept;
  void report_queues(std::uint16_t queue) noexcept;
  void keep_owed(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept;
  void hand_back_owed(std::uint16_t queue, const GuestJournal::OwedChains& chains) noexcept;
  QueuePosition end_ring(std::uint16_t queue) noexcept;
  void drop_ring(std::uint16_t queue, RingEnd why) noexcept;
  Status change_memory(std::span<const MemoryRegion> regions) noexcept;
  void begin_device(Features features) noexcept;
  void restart_device() noexcept;
  void write_poison(std::uint32_t at, std::span<const std::byte> from, bool wide) noexcept;
  void next_poison(bool same_driver) noexcept;
  void apply_poison() noexcept;
  void write_field(std::uint32_t offset, std::uint32_t value) noexcept;
  bool watch(std::uint32_t vring, int kick) noexcept;

  // DriverNotifier, BalloonObserver: called with the lock held.
  void queue_used(std::uint16_t queue) noexcept override;
  void config_changed() noexcept override;
  void notice(Notice notice) noexcept override;
  void actual_changed() noexcept override;

  // DiscardGate: releases the lock during the call.
  Status discard(FileBacking& file, Pfn first, PfnCount n) noexcept override;

  const BalloonGuestOptions options_;
  GuestRecord& record_;
  BalloonGuestEvents& events_;
  const int session_event_;
  SameDriver same_driver_;
  RingJournals journals_;

  std::mutex mutex_;
  std::atomic<int> waiting_{0};  // daemon threads that wait for the lock
  Lock* serving_ = nullptr;      // the lock of the guest's thread, while that thread serves rings
  bool busy_ = false;            // the guest's thread is inside the device, or in a discard without the lock
  bool calling_ = false;         // the guest's thread writes to a front-end's descriptors, without the lock
  bool wanted_ = false;          // the daemon's thread waits until neither is the case
  Settling settling_ = Settling::No;
  bool stopping_ = false;
  bool config_changed_ = false;
  bool resuming_ = false;
  bool queues_reported_ = false;                // for the current driver
  std::uint32_t pending_ = 0;                   // bit mask: rings that may have chains
  std::uint32_t calls_due_ = 0, errs_due_ = 0;  // bit masks: rings whose driver or front-end must be notified
  std::uint64_t faults_ = 0;                    // ring faults that were reported
  std::uint8_t status_ = 0;
  std::string why_;
  std::string release_error_;
  CallTimes calls_;

  std::unique_ptr<GuestMemoryFiles> memory_;
  std::vector<MemoryRegion> regions_;
  std::unique_ptr<std::byte[], Free> metadata_;
  BalloonDevice* device_ = nullptr;
  std::array<Ring, kVhostMaxVrings> rings_;

  KickPoll kicks_;
  std::thread thread_;
};

}  // namespace fallow::vhost
