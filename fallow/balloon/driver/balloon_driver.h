// The guest's end of the balloon: the usual reporting device of a guest's zone.
//
//   Reporter -> report() -> reporting queue -> device      work(): the balloon, statistics, hints, recovery
//   device -> queue_used() -> Completion -> Reporter::complete()
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/driver/detail/balloon_pages.h"
#include "fallow/balloon/driver/detail/driver_context.h"
#include "fallow/balloon/driver/detail/driver_memory.h"
#include "fallow/balloon/driver/detail/guest_frames.h"
#include "fallow/balloon/driver/detail/hint_round.h"
#include "fallow/balloon/driver/detail/report_requests.h"
#include "fallow/balloon/driver/detail/statistics_buffer.h"
#include "fallow/balloon/wire.h"
#include "fallow/platform/port.h"
#include "fallow/reporting/reporter.h"
#include "fallow/reporting/reporting_device.h"
#include "fallow/virtio/ring/driver_queue.h"
#include "fallow/virtio/transport/transport.h"
#include "fallow/zone/zone.h"

namespace fallow {

/// The settings of a BalloonDriver.
struct BalloonDriverConfig {
  /// Features to accept if the device offers them. VERSION_1 is always accepted, and the device must offer
  /// VERSION_1.
  Features features = kBalloonDriverFeatures | kRingFeatures;
  std::uint16_t queue_size = 256;  ///< upper bound; the device may allow less
  std::uint32_t capacity = 32;     ///< entries per request
  std::uint32_t in_flight = 1;     ///< requests in flight
  /// Whether free frames of this guest must keep the value `poison`. Page poison is accepted only if
  /// `poisons` is set; a device that does not offer page poison then receives no reports (5.5.3.1).
  bool poisons = false;
  std::uint32_t poison = 0;  ///< the value of free frames, with `poisons`
  /// With `poisons`: called on the thread of work() to write the value into frames that the balloon or
  /// hinting returns to the zone (5.5.6.6.1). If unset, an allocator must not rely on the value.
  detail::FrameFill fill;
};

/// Counters since construction, readable at any time without a lock.
struct BalloonDriverStats {
  std::uint64_t probes = 0;         ///< attempts to initialise the device
  std::uint64_t resets = 0;         ///< resets by recover() and remove()
  std::uint64_t requests = 0;       ///< chains of reports
  std::uint64_t descriptors = 0;    ///< elements of these chains
  std::uint64_t kicks = 0;          ///< notifications sent
  std::uint64_t ring_faults = 0;    ///< each causes a reset of the device
  std::uint64_t wrong_lengths = 0;  ///< used lengths that exceeded what the device may write
  std::uint64_t abandoned = 0;      ///< requests that a reset or a removal failed
  PfnCount inflated;                ///< frames in the balloon now
};

/// The balloon driver. report() may be called by one thread and DeviceCalls by another; probe(), remove(),
/// recover(), reset_reporting_queue(), work() and deflate_on_oom() by one thread at a time. The port's worker
/// must run work() besides Reporter::run(); the driver wakes the worker through the port.
class BalloonDriver final : public ReportingDevice, public DeviceCalls {
 public:
  using Completion = detail::ReportCompletion;  ///< usually Reporter::complete()

  /// @{
  /// A device that breaks a rule is reset at once and is initialised again at most every kFirstRetry. The
  /// interval doubles after each failure, up to kLastRetry.
  static constexpr Nanoseconds kFirstRetry = milliseconds(100), kLastRetry = seconds(10);
  /// @}
  /// @{
  /// A device that owes a chain is checked at this interval, and is given up when no chain has been returned
  /// for kSilence, because allocations may wait for the pages that the device holds.
  static constexpr Nanoseconds kWatch = seconds(1), kSilence = seconds(30);
  /// @}

  /// Return the bytes of memory that the constructor needs for `shared` and for `own`.
  /// @{
  static ByteCount shared_size(const BalloonDriverConfig& config) noexcept;
  static ByteCount own_size(const BalloonDriverConfig& config, const Zone& zone) noexcept;
  /// @}

  /// `cache` belongs to the zone and is used only by work(). `shared` and `own` (aligned to 8 bytes) are
  /// zero-filled and at least as large as the sizes above. All arguments must outlive the driver.
  BalloonDriver(Port& port, Transport& transport, Zone& zone, LocalCache& cache,
                const BalloonDriverConfig& config, SharedMemory shared, std::span<std::byte> own) noexcept;
  /// Calls remove().
  ~BalloonDriver();
  BalloonDriver(const BalloonDriver&) = delete;
  BalloonDriver& operator=(const BalloonDriver&) = delete;

  /// Initialises the device (3.1.1): reset, acknowledge, features, queues, DRIVER_OK. Returns InvalidArgument
  /// if the device does not offer VERSION_1, the configuration is out of range, the memory is too small or
  /// misaligned, or the cache belongs to another zone; Failed if the device
  /// rejects the features or a queue (its status is then FAILED); Busy if the device is already probed.
  Status probe() noexcept;

  /// Takes every frame out of the balloon, resets the device and fails the requests in flight. Unregister
  /// from the reporter first. Afterwards the device holds nothing of the driver. If the device does not
  /// answer or does not confirm the reset, each wait ends after one second and the device counts as gone.
  /// probe() may be called again.
  void remove() noexcept;

  /// Resets the device and initialises the device again. Requests in flight fail, and the balloon is empty
  /// afterwards (its frames return to the zone). work() calls recover() when the device requests a reset or
  /// breaks a rule. Returns the errors of probe(), after which work() retries later; NotFound if the device
  /// is not probed.
  Status recover() noexcept;

  /// Resets only the reporting queue (2.6.1); requests in flight fail. Returns NotFound if the feature was
  /// not negotiated or the device does not report; Failed if the device did not reset the queue, after which
  /// work() recovers.
  Status reset_reporting_queue() noexcept;

  /// Returns whether the device is probed and reporting was negotiated, so that the driver may be registered
  /// with a Reporter.
  bool reports() const noexcept { return reports_.load(std::memory_order_relaxed); }

  /// Sets the completion; called before probe(). A request that completes later, without a completion to
  /// call, stops the program.
  void set_completion(Completion completion) noexcept { requests_.set_completion(completion); }

  /// Sets the usual completion, which settles a request with the reporter. The reporter must outlive the last
  /// use of the device. A token that was settled before belongs to an earlier registration and is ignored.
  void connect(Reporter& reporter) noexcept {
    set_completion({[](void* to, std::uint32_t token, Status status) {
                      static_cast<void>(static_cast<Reporter*>(to)->complete(token, status));
                    },
                    &reporter});
  }

  /// Reports a request to the device. Returns Ok if the device has already taken the request; Pending if the
  /// completion follows. The completion is never called for a token while report() runs for that token.
  /// Returns Failed if the device is missing, broken or out of room. With kBalloonInitReported, also returns
  /// Failed if the device did not initialise the whole request, and ContentUnknown once that has happened
  /// repeatedly. Allocates nothing; two short sections under a spin lock.
  Status report(Scatterlist list, std::uint32_t token) noexcept override;
  /// Returns the configured capacity, or less if the device's queue is shorter.
  std::uint32_t capacity() const noexcept override { return requests_.capacity(); }
  std::uint32_t depth() const noexcept override { return requests_.depth(); }
  /// Returns the content that kBalloonInitReported promises for reported pages.
  Content content_after() const noexcept override { return requests_.content_after(); }

  void queue_used(std::uint16_t queue) noexcept override;
  void config_changed() noexcept override;

  /// Checks for used buffers of reports, for a caller without queue_used().
  void poll() noexcept { requests_.collect(); }

  /// Does the pending work: moves the balloon towards its target, answers requests for statistics and hints,
  /// and recovers. Returns the time of the next call (kNever: call when the port is asked to wake the
  /// worker).
  Nanoseconds work() noexcept;

  /// Releases frames on behalf of an allocation that failed: gives back hinted pages, then deflates (5.5.6,
  /// DEFLATE_ON_OOM). Returns the number of frames that the zone received; 0 if none are left or the feature
  /// was not negotiated. Waits a bounded time for the device if the device must be told first.
  PfnCount deflate_on_oom(PfnCount wanted) noexcept;

  BalloonDriverStats stats() const noexcept;  ///< any thread

 private:
  bool valid() const noexcept;
  bool has(Features bits) const noexcept { return (features_ & bits) == bits; }
  bool reset_device() noexcept;
  Status initialise() noexcept;
  Status negotiate() noexcept;
  Status set_up_queues() noexcept;
  Status set_up_reporting() noexcept;
  Status set_up(detail::DriverRing& ring, BalloonQueue queue) noexcept;
  DriverQueueConfig ring_config(BalloonQueue queue) const noexcept;
  void open() noexcept;
  Content offered_content() const noexcept;
  void let_go() noexcept;
  void look_at_device() noexcept;
  bool silent(Nanoseconds now) noexcept;
  Nanoseconds revive() noexcept;
  Nanoseconds watch() noexcept;
  bool owed() noexcept;

  detail::DriverContext context_;
  Transport& transport_;
  const BalloonDriverConfig config_;
  const detail::DriverMemory memory_;
  detail::GuestFrames frames_;
  detail::ReportRequests requests_;
  detail::BalloonPages balloon_;
  detail::StatisticsBuffer statistics_;
  detail::HintRound hints_;

  Features offered_ = 0, features_ = 0;
  bool probed_ = false;
  bool up_ = false;  // initialised and still in use
  std::uint32_t target_ = 0, hint_command_ = kHintStop;
  Nanoseconds watch_at_, progress_at_;
  std::uint64_t progress_ = 0;             // chains returned by progress_at_
  bool owed_before_ = false;               // at the last check
  Nanoseconds not_before_, retry_;         // earliest next recovery, and the interval
  std::uint64_t acknowledged_before_ = 0;  // at the last recovery
  std::atomic<bool> reports_{false};
  std::atomic<bool> config_changed_{false};
  std::atomic<bool> watched_{false};  // MO-18
};

}  // namespace fallow
