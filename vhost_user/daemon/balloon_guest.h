// One guest of a daemon: the balloon device behind a vhost-user session, and the thread that serves it.
//
//   front-end -> Session -> BalloonGuest -> GuestDevice -> BalloonDevice -> FileBacking -> fallocate()
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
#include "vhost_user/daemon/guest_device.h"
#include "vhost_user/daemon/guest_snapshot.h"
#include "vhost_user/session/backend.h"

namespace fallow::vhost {

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
  void set_resuming(bool on) noexcept { device_.set_resuming(on); }

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
  Features features() const noexcept override { return device_.offered(); }
  Features needed_features() const noexcept override { return kFeatureVersion1; }
  std::uint32_t max_queues() const noexcept override;
  std::uint32_t max_queue_size() const noexcept override { return device_.max_queue_size(); }
  Status read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override;
  Status write_config(std::uint32_t offset, std::span<const std::byte> from,
                      bool migration) noexcept override;
  Status set_features(Features features) noexcept override;
  Status set_memory(std::span<const MemoryRegion> regions) noexcept override;
  Status add_region(const MemoryRegion& region) noexcept override;
  Status remove_region(const MemoryRegion& region) noexcept override;
  Status set_status(std::uint8_t status) noexcept override;
  std::uint8_t status() const noexcept override { return device_.status(); }
  Status reset_device() noexcept override;
  Status start_ring(std::uint32_t vring, const Settings& settings) noexcept override;
  Status stop_ring(std::uint32_t vring, RingEnd why, std::uint32_t& base) noexcept override;
  Status enable_ring(std::uint32_t vring, bool on) noexcept override;
  Status driver_may_leave() noexcept override;
  Status replace_descriptors(std::uint32_t vring, const Vring& ring) noexcept override;
  Status get_inflight(InflightSettings& inflight) noexcept override;
  Status set_inflight(const InflightSettings& inflight) noexcept override;
  const char* why() const noexcept override { return device_.why(); }

 private:
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

  void thread_main() noexcept;
  void settle() noexcept;
  void serve(Lock& lock) noexcept;
  void wake_session() noexcept;
  void notify_driver(Lock& lock) noexcept;

  // DriverNotifier, BalloonObserver: called with the lock held.
  void queue_used(std::uint16_t queue) noexcept override;
  void config_changed() noexcept override;
  void notice(Notice notice) noexcept override;
  void actual_changed() noexcept override;

  // DiscardGate: releases the lock during the call.
  Status discard(FileBacking& file, Pfn first, PfnCount n) noexcept override;

  GuestRecord& record_;
  BalloonGuestEvents& events_;
  const int session_event_;

  std::mutex mutex_;
  std::atomic<int> waiting_{0};  // daemon threads that wait for the lock
  Lock* serving_ = nullptr;      // the lock of the guest's thread, while that thread serves rings
  bool busy_ = false;            // the guest's thread is inside the device, or in a discard without the lock
  bool calling_ = false;         // the guest's thread writes to a front-end's descriptors, without the lock
  bool wanted_ = false;          // the daemon's thread waits until neither is the case
  Settling settling_ = Settling::No;
  bool stopping_ = false;
  bool config_changed_ = false;
  std::string release_error_;
  CallTimes calls_;

  GuestDevice device_;
  std::thread thread_;
};

}  // namespace fallow::vhost
