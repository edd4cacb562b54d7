// The balloon driver, the guest's end: the typical reporting device of a guest's zone.
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

struct BalloonDriverConfig {
  // Accepted as far as the device offers them; VERSION_1 always, which the device must offer.
  Features features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom | kBalloonFreePageHint |
                      kBalloonPageReporting | kRingFeatures;
  std::uint16_t queue_size = 256;  // at most; the device may allow less
  std::uint32_t capacity = 32;     // entries a request
  std::uint32_t in_flight = 1;     // requests
  // Whether free frames of this guest must keep a value, and which. Page poison is accepted only then; and a
  // device that does not offer it gets no reports (5.5.3.1).
  bool poisons = false;
  std::uint32_t poison = 0;
  // With `poisons`: called by the thread of work() for frames that the balloon, or hinting, gives back to the
  // zone, to write the value into them (5.5.6.6.1). Without: who allocates must not count on it.
  detail::FrameFill fill;
};

struct BalloonDriverStats {
  std::uint64_t probes = 0, resets = 0;
  std::uint64_t requests = 0, descriptors = 0;  // of reports: chains, and their elements
  std::uint64_t kicks = 0;                      // notifications sent
  std::uint64_t ring_faults = 0;                // each made the driver reset the device
  std::uint64_t wrong_lengths = 0;
  std::uint64_t abandoned = 0;  // requests that a reset or a removal ended
  PfnCount inflated;
};

// report() may be called by one thread and DeviceCalls by another; probe(), remove(), recover(),
// reset_reporting_queue(), work() and deflate_on_oom() by one thread at a time. The port's worker must run
// work() (beside Reporter::run()): the driver asks it to.
class BalloonDriver final : public ReportingDevice, public DeviceCalls {
 public:
  using Completion = detail::ReportCompletion;  // Reporter::complete() in the usual case

  // After a device broke a rule it is reset at once, and initialised anew at most every kFirstRetry; twice as
  // long each time nothing came of it.
  static constexpr Nanoseconds kFirstRetry = milliseconds(100), kLastRetry = seconds(10);
  // A device with something to do is looked after so often, and given up when it returned nothing for so
  // long: allocations may wait for what it holds.
  static constexpr Nanoseconds kWatch = seconds(1), kSilence = seconds(30);

  static ByteCount shared_size(const BalloonDriverConfig& config) noexcept;
  static ByteCount own_size(const BalloonDriverConfig& config, const Zone& zone) noexcept;

  // `cache`: of the zone, used by work() alone. `shared` and `own` (aligned to 8 bytes), zero-filled, at
  // least as large as above. All must outlive the driver.
  BalloonDriver(Port& port, Transport& transport, Zone& zone, LocalCache& cache,
                const BalloonDriverConfig& config, SharedMemory shared, std::span<std::byte> own) noexcept;
  // Removes.
  ~BalloonDriver();
  BalloonDriver(const BalloonDriver&) = delete;
  BalloonDriver& operator=(const BalloonDriver&) = delete;

  // Initialises the device (3.1.1): reset, acknowledge, features, queues, DRIVER_OK. InvalidArgument: the
  // device offers no VERSION_1, or the configuration is out of range. Failed: the device does not take the
  // features or a queue; its status says FAILED then. Busy: it is probed already.
  Status probe() noexcept;

  // Takes every frame out of the balloon, resets the device, and fails what is in flight. Unregister from the
  // reporter first. Afterwards nothing of the driver is in the device's hands. A device that does not answer,
  // or does not confirm the reset, is waited for (a second each) and then taken to be gone. May be probed
  // again.
  void remove() noexcept;

  // Resets the device and initialises it anew: requests in flight fail, the balloon is empty afterwards (its
  // frames go back to the zone). Called by work() when the device asks for it or breaks a rule. As probe() if
  // that fails: work() tries again later. NotFound: it is not probed.
  Status recover() noexcept;

  // Resets the reporting queue alone (2.6.1): requests in flight fail. NotFound: not negotiated, or it does
  // not report. Failed: the device did not do it; work() recovers.
  Status reset_reporting_queue() noexcept;

  // Probed, and reporting was negotiated: may be registered with a Reporter.
  bool reports() const noexcept { return reports_.load(std::memory_order_relaxed); }

  // Before probe().
  void set_completion(Completion completion) noexcept { requests_.set_completion(completion); }

  // The usual completion: settles the request with the reporter, which must outlive the driver's last use of
  // its device. A token that is settled already concerns an earlier registration and is ignored.
  void connect(Reporter& reporter) noexcept {
    set_completion({[](void* to, std::uint32_t token, Status status) {
                      static_cast<void>(static_cast<Reporter*>(to)->complete(token, status));
                    },
                    &reporter});
  }

  // ReportingDevice.
  // Ok: the device has taken it already. Pending: it will; of a token for which report() is under way the
  // completion never tells. Failed: the device is not there, is broken, or has no room; with
  // kBalloonInitReported also that it did not initialise all of it, and NotPromised once that happens again
  // and again. No allocation; two short sections under a spin lock.
  Status report(Scatterlist list, std::uint32_t token) noexcept override;
  // As configured, or less if the device's queue is shorter.
  std::uint32_t capacity() const noexcept override { return requests_.capacity(); }
  std::uint32_t depth() const noexcept override { return requests_.depth(); }
  // With kBalloonInitReported.
  Content content_after() const noexcept override { return requests_.content_after(); }

  // DeviceCalls.
  void queue_used(std::uint16_t queue) noexcept override;
  void config_changed() noexcept override;

  // Looks for used buffers of reports, where nobody calls queue_used().
  void poll() noexcept { requests_.collect(); }

  // What is due: brings the balloon towards its target, answers requests for statistics and hints, recovers.
  // Returns when it wants to be called again (kNever: when the port is asked to wake it).
  Nanoseconds work() noexcept;

  // On behalf of an allocation that failed: gives back hinted pages, and deflates (5.5.6, DEFLATE_ON_OOM).
  // Returns how many frames went to the zone; 0 if there are none, or the feature was not negotiated. Waits
  // for the device where it must be told first, not for ever.
  PfnCount deflate_on_oom(PfnCount wanted) noexcept;

  BalloonDriverStats stats() const noexcept;  // any thread

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
  Content offered_promise() const noexcept;
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
  bool up_ = false;  // initialised, and not let go of since
  std::uint32_t target_ = 0, hint_command_ = kHintStop;
  Nanoseconds watch_at_, progress_at_;
  std::uint64_t progress_ = 0;             // chains that the device had returned at progress_at_
  bool owed_before_ = false;               // at the last look
  Nanoseconds not_before_, retry_;         // of recovery
  std::uint64_t acknowledged_before_ = 0;  // at the last recovery
  std::atomic<bool> reports_{false};
  std::atomic<bool> config_changed_{false};
  std::atomic<bool> watched_{false};  // MO-18
};

}  // namespace fallow
