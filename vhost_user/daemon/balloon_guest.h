// One guest of a daemon: the balloon device behind a vhost-user session, and the thread that serves it.
//
//   front-end -> VhostSession -> BalloonGuest -> BalloonDevice -> FileBacking -> fallocate()
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
#include "vhost_user/daemon/guest_journal.h"
#include "vhost_user/daemon/guest_memory_files.h"
#include "vhost_user/daemon/guest_record.h"
#include "vhost_user/daemon/inflight_area.h"
#include "vhost_user/daemon/same_driver.h"
#include "vhost_user/session/backend.h"

namespace fallow::vhost {

struct BalloonGuestOptions {
  // Offered; VERSION_1 is added, and bit 30 by the session.
  Features features = kBalloonDaemonFeatures | kFeatureIndirectDesc | kFeatureEventIdx;
  std::uint16_t max_queue_size = 256;  // 1 to 1024
  ByteCount max_memory{};              // of a guest, all its regions together; 0: no bound
};

// What happens to a guest that somebody may want to read about. Called by the guest's thread or the daemon's.
class BalloonGuestEvents {
 public:
  enum class Kind : std::uint8_t {
    Poison,       // its poison value is not 0, or not known: nothing that it reports can be released
    NotReleased,  // the host does not release; `why` says what, and what helps
    Queues,       // how its driver numbers its queues
    RingFault,    // the driver broke a rule of the ring; the queue stands still until the driver starts anew
    MemoryLost,   // its memory file became shorter than the memory
  };
  virtual void guest_event(std::uint64_t guest, Kind kind, const std::string& why) noexcept = 0;

 protected:
  ~BalloonGuestEvents() = default;
};

// How long calls of the host took: counts by upper bounds, as metrics want them.
struct CallTimes {
  static constexpr std::array<double, 10> kBounds = {1e-5, 3e-5, 1e-4, 3e-4, 1e-3,
                                                     3e-3, 1e-2, 3e-2, 1e-1, 1};  // s
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  double sum = 0;
};

// A guest at one moment.
struct GuestSnapshot {
  std::uint64_t number = 0;
  std::uint32_t socket = 0;
  bool connected = false, ready = false;  // ready: its driver is there, and rings are served
  bool paused = false;
  bool stuck = false;  // its process does not answer; the rest is as it was last seen
  ByteCount memory, resident;
  PfnCount target, actual;
  std::uint32_t restarts = 0;
  std::uint32_t worker = 0;  // the process that serves it; 0: that is not said
  BalloonDeviceStats device;
  GuestStatistics statistics;
  DriverMistakes mistakes;
  CallTimes calls;
  Features features = 0;
};

// VhostBackend: the daemon's thread, as are all members that do not say otherwise.
class BalloonGuest final : public Backend,
                           private DriverNotifier,
                           private BalloonObserver,
                           private DiscardGate {
 public:
  // Starts the guest's thread. `record` is one that vhost_begin() was called for, or one that another process
  // left; it, `events` and `session_wanted` must outlive the guest. `session_wanted`, an eventfd, is written
  // to when a call that answered Pending may be repeated, the configuration changed, or the guest's memory is
  // lost.
  static Expected<BalloonGuest> create(const BalloonGuestOptions& options, GuestRecord& record,
                                       BalloonGuestEvents& events, int session_wanted);
  // Waits for the request under way, and leaves the record as it is: for the next process, or after
  // VhostSession::close().
  ~BalloonGuest();
  BalloonGuest(const BalloonGuest&) = delete;
  BalloonGuest& operator=(const BalloonGuest&) = delete;

  // To be called around VhostSession::resume(): rings go on where they were, and what is owed is handed back.
  void set_resuming(bool on) noexcept { resuming_ = on; }

  // The front-end is to be told that the configuration changed; true once for each time.
  bool take_config_change() noexcept;
  // Has a notification given up that waits for the front-end to read: to be called now and then while a call
  // answers Pending that must end, front-end or not.
  void nudge() noexcept;
  // The memory file became shorter: the session is to be closed.
  bool memory_lost() noexcept;

  void set_target(PfnCount frames) noexcept;
  void pause(bool on) noexcept;
  // Asks for new statistics. Busy: the last request is not answered, or there is no driver.
  Status request_statistics() noexcept;
  // Asks the kernel how much is resident: a system call for each region.
  GuestSnapshot snapshot() noexcept;

  // VhostBackend.
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
    int kick = -1, call = -1, err = -1;  // the session's
    bool stale_kick = false;             // the next event tells of kicks that came before the ring rested
  };
  // To the journals that there are.
  class Journals final : public RingJournal {
   public:
    explicit Journals(BalloonGuest& guest) : guest_(guest) {}
    void taken(std::uint16_t queue, const Chain& chain, QueuePosition position) noexcept override;
    void kept(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
    void returning(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept override;
    void returned(std::uint16_t queue, std::uint16_t id, QueuePosition position) noexcept override;

   private:
    BalloonGuest& guest_;
  };
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };
  using Lock = std::unique_lock<std::mutex>;
  // The daemon's thread waits until all kicks so far are served: those too that the guest's thread has been
  // told of and not noted yet. So that thread looks once more from the beginning.
  enum class Settling : std::uint8_t { No, Asked, Looking, Done };

  static constexpr std::uint32_t kBudget = 16;  // chains between two looks at what the daemon wants
  static constexpr std::uint32_t kWake = kVhostMaxVrings;

  BalloonGuest(const BalloonGuestOptions& options, GuestRecord& record, BalloonGuestEvents& events,
               int session_wanted);
  std::string set_up();

  // The daemon's thread takes the lock so that the guest's, which lets go of it often, does not take it first
  // again.
  Lock lock() noexcept;
  // Pending: a request is under way; the session is wanted when it is over.
  bool quiet() noexcept;
  Status refuse(std::string why) noexcept;
  bool any_started() const noexcept;
  bool packed() const noexcept { return device_->has(kFeatureRingPacked); }

  void work() noexcept;
  void settle() noexcept;
  void serve(Lock& lock) noexcept;
  void wake() noexcept;
  void want_session() noexcept;
  void tell_fault(std::uint16_t queue) noexcept;
  void tell_driver(Lock& lock) noexcept;

  // Whether nothing may be written into a ring but what its driver makes available from now on.
  bool at_rest(std::uint16_t queue) const noexcept {
    return !rings_[queue].enabled || record_.driver_leaving != 0;
  }
  GuestJournal::OwedChains estate_of(std::uint16_t queue) const noexcept;
  std::string addresses_of(std::uint32_t vring, const Settings& settings, detail::QueueAddresses& at) const;
  std::string begin_of(std::uint16_t queue, const detail::QueueAddresses& at, std::uint32_t base,
                       QueuePosition& position) const;
  std::string inflight_of(std::uint16_t queue, const detail::QueueAddresses& at, QueuePosition& position,
                          std::vector<std::uint16_t>& owed);
  bool begins_with(std::uint16_t queue, std::uint32_t base) const noexcept;
  void decide_driver(std::uint16_t queue, std::uint32_t base) noexcept;
  void another_driver() noexcept;
  void track(std::uint16_t queue) noexcept;
  void forget_inflight(std::uint16_t queue) noexcept;
  Status start_anew(std::uint16_t queue, std::uint32_t base) noexcept;
  Status go_on(std::uint16_t queue, const GuestJournal::OwedChains& estate) noexcept;
  bool begin_ring(std::uint16_t queue, QueuePosition position) noexcept;
  std::string no_queue(std::uint16_t queue) const;
  void say_queues(std::uint16_t queue) noexcept;
  void keep_owed(std::uint16_t queue, const GuestJournal::OwedChains& estate) noexcept;
  void hand_back_owed(std::uint16_t queue, const GuestJournal::OwedChains& estate) noexcept;
  QueuePosition end_ring(std::uint16_t queue) noexcept;
  void drop_ring(std::uint16_t queue, RingEnd why) noexcept;
  Status change_memory(std::span<const MemoryRegion> regions) noexcept;
  void begin_device(Features features) noexcept;
  void restart_device() noexcept;
  void take_poison(std::uint32_t at, std::span<const std::byte> from, bool wide) noexcept;
  void next_poison(bool same_driver) noexcept;
  void tell_poison() noexcept;
  void write_field(std::uint32_t offset, std::uint32_t value) noexcept;
  bool watch(std::uint32_t vring, int kick) noexcept;
  void unwatch(int kick) noexcept;

  // DriverNotifier, BalloonObserver: with the lock.
  void queue_used(std::uint16_t queue) noexcept override;
  void config_changed() noexcept override;
  void notice(Notice notice) noexcept override;
  void actual_changed() noexcept override;

  // DiscardGate: lets go of the lock meanwhile.
  Status discard(FileBacking& file, Pfn first, PfnCount n) noexcept override;

  const BalloonGuestOptions options_;
  GuestRecord& record_;
  BalloonGuestEvents& events_;
  const int session_wanted_;
  GuestJournal journal_;
  SameDriver same_driver_;
  Journals journals_;
  std::unique_ptr<InflightArea> inflight_;

  std::mutex mutex_;
  std::atomic<int> waiting_{0};  // for the lock, of the daemon's thread
  Lock* serving_ = nullptr;      // of the guest's thread, while it is inside the device
  bool busy_ = false;            // so it is, or it is in a discard without the lock
  bool calling_ = false;         // or it writes to a front-end's descriptors, without the lock
  bool wanted_ = false;          // the daemon's thread waits for it to be out
  Settling settling_ = Settling::No;
  bool stopping_ = false;
  bool config_changed_ = false;
  bool resuming_ = false;
  bool queues_said_ = false;                    // of this driver
  std::uint32_t pending_ = 0;                   // rings that may have something
  std::uint32_t calls_due_ = 0, errs_due_ = 0;  // rings whose driver, or front-end, is to be told
  std::uint64_t faults_ = 0;                    // of rings, that were told
  std::uint8_t status_ = 0;
  std::string why_;
  std::string release_error_;
  CallTimes calls_;

  std::unique_ptr<GuestMemoryFiles> memory_;
  std::vector<MemoryRegion> regions_;
  std::unique_ptr<std::byte[], Free> metadata_;
  BalloonDevice* device_ = nullptr;
  std::array<Ring, kVhostMaxVrings> rings_;

  int epoll_ = -1, wake_ = -1;
  std::thread thread_;
};

}  // namespace fallow::vhost
