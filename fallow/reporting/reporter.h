// The reporter: registers one device and runs the worker, which reports free frames to the device.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/base/units.h"
#include "fallow/platform/port.h"
#include "fallow/reporting/policies.h"
#include "fallow/reporting/policy.h"
#include "fallow/reporting/reporting_device.h"
#include "fallow/zone/zone.h"

namespace fallow {

/// Counters since construction. Each may be read at any time without a lock (R14).
struct ReportingStats {
  std::uint64_t requests = 0;   ///< Requests that the device took.
  std::uint64_t entries = 0;    ///< Entries in these requests.
  PfnCount reported;            ///< Frames in these requests.
  std::uint64_t failures = 0;   ///< Requests that the device did not take.
  Nanoseconds in_report;        ///< Time from report() to its return or completion.
  std::uint32_t in_flight = 0;  ///< Requests in flight at present.
};

/// Reports the free frames of up to kMaxZones zones to one device. No device may be registered, and no thread
/// may be inside run(), when the reporter is destroyed. The zones must outlive the reporter, which must
/// outlive every call of run() and complete(), and every free in its zones that began while a device was
/// registered (such a free may be about to call the trigger).
class Reporter {
 public:
  /// The number of zones that one reporter may serve.
  static constexpr std::size_t kMaxZones = 64;
  /// A failed pass is retried after kFirstRetry; the time doubles with each failure in a row, up to
  /// kLastRetry (R7).
  /// @{
  static constexpr Nanoseconds kFirstRetry = milliseconds(100);
  static constexpr Nanoseconds kLastRetry = seconds(10);
  /// @}

  /// Attaches to the zones, which must not be in use yet. At most one reporter at a time has a zone.
  Reporter(Port& port, std::span<Zone* const> zones);
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// Starts reporting everything that is free and unreported in every zone (R1, R2, R10). Both objects must
  /// live until unregister_device() has returned. Busy, InvalidArgument and NoMemory change nothing. Any
  /// thread.
  Status register_device(ReportingDevice& device, Policy& policy);

  /// Registers the device with the default policy: `aged`, blocks of 2 MiB that have been free for 100 ms.
  Status register_device(ReportingDevice& device) { return register_device(device, default_policy_); }

  /// Unregisters the device (R9). Waits for the requests in flight, and for threads that are inside
  /// complete() or about to wake the worker; afterwards the reporter requests no further wakeup of the port.
  /// NotFound: `device` is not the registered one. Deadlock: called from inside report(). Any other thread
  /// may call it at any moment, except a thread that must itself complete a request in flight: it would wait
  /// for itself, unless Port::relax() completes the request.
  Status unregister_device(const ReportingDevice& device);

  /// Reports everything free anew, after the owner of the memory lost its state (R10). Waits for the
  /// requests in flight, as unregister_device() does. Ends the back-off of requests that failed before (R7)
  /// or while it waited. Deadlock: called from inside report().
  Status forget_reported();

  /// Runs the worker: does what is due and returns when it wants to run next (kNever: not before the next
  /// wakeup request). One thread at a time does the work. A second caller returns kNever at once, and the
  /// first loops once more on its behalf.
  Nanoseconds run() noexcept;

  /// Settles a request for which report() returned Pending. Any thread, at any moment. InvalidArgument,
  /// without any effect, if `status` is Pending, and for a token that is not in flight: already settled, from
  /// an earlier request in its slot, or from an earlier registration. The completing thread must not allocate
  /// from a zone that may have no free frames: it would wait for itself (R11).
  Status complete(std::uint32_t token, Status status) noexcept;

  /// Returns whether the zone's flag is set (R3, R4). Zones count from 0, in the order of the constructor's
  /// list; another number stops the program.
  bool reporting_requested(std::size_t zone) const noexcept;

  /// Returns the counters. Any thread; lock-free.
  ReportingStats stats() const noexcept;

 private:
  class Sink;

  enum class Flag : std::uint8_t { Off, Resting, Requested };  // Off: no device is registered

  // A zone's flag and, in the bits above it, the number of the zone's requests that have failed. Both change
  // in one step, so that a zone rests only if no request has failed since the last pass began (MO-24).
  using FlagWord = std::uint64_t;
  static constexpr FlagWord kOneFailure = 4;
  static constexpr Flag flag_of(FlagWord word) { return static_cast<Flag>(word % kOneFailure); }
  static constexpr FlagWord with_flag(FlagWord word, Flag flag) {
    return word / kOneFailure * kOneFailure + static_cast<FlagWord>(flag);
  }

  struct ZoneState {
    Reporter* reporter = nullptr;
    Zone* zone = nullptr;
    std::atomic<FlagWord> flag{static_cast<FlagWord>(Flag::Off)};
    std::atomic<std::uint64_t> due{0};          // when the next pass may run, while Requested
    std::atomic<std::uint64_t> delay{0};        // from the trigger to the first pass
    std::atomic<std::uint64_t> retry{0};        // the current back-off; 0: the last request succeeded
    std::atomic<std::uint64_t> not_before{0};   // no pass runs earlier, even if one is due
    std::atomic<bool> blocked{false};           // the pass ended because all request slots were in use
    std::atomic<bool> ignore_threshold{false};  // the next pass ignores the threshold (R2, R7)

    Nanoseconds when() const noexcept {
      const std::uint64_t a = due.load(std::memory_order_relaxed),
                          b = not_before.load(std::memory_order_relaxed);
      return {a > b ? a : b};
    }
  };

  enum class SlotState : std::uint8_t { Free, Filling, InFlight, Settling };

  // The state of a request and, in the bits above it, the generation of its token. A completion claims both
  // in one step.
  using SlotWord = std::uint32_t;
  static constexpr SlotWord word_of(SlotState state, std::uint32_t token) {
    return (token >> kSlotBits << 2) | static_cast<SlotWord>(state);
  }
  static constexpr SlotState state_of(SlotWord word) { return static_cast<SlotState>(word & 3); }

  // A request slot.
  struct Request {
    std::atomic<SlotWord> word{static_cast<SlotWord>(SlotState::Free)};
    ZoneState* state = nullptr;
    std::uint32_t entries = 0;
    Nanoseconds started;
  };

  static void fired(void* zone_state) noexcept;
  void request(ZoneState& state) noexcept;
  void back_off(ZoneState& state) noexcept;
  Nanoseconds round() noexcept;
  void pass(ZoneState& state) noexcept;
  bool wants_more(const ZoneState& state, bool ignore_threshold) const noexcept;
  void again(ZoneState& state, Nanoseconds wait) noexcept;
  void again_after(ZoneState& state, bool progress) noexcept;
  bool try_rest(ZoneState& state, FlagWord seen) noexcept;
  void rest(ZoneState& state, FlagWord seen, bool progress) noexcept;
  void starve(ZoneState& state, FlagWord seen, PfnCount needed) noexcept;
  template <class Look>
  void grant(ZoneState& state, std::int64_t credit, Look look) noexcept;
  void unblock() noexcept;
  bool begin_settling(std::uint32_t token) noexcept;
  void settle(std::uint32_t token, Status status) noexcept;
  std::span<ScatterEntry> list_of(std::uint32_t token) const;
  ByteCount list_bytes() const;
  ByteCount request_bytes() const;

  Status take_memory(std::uint32_t capacity, std::uint32_t depth) noexcept;
  void release_memory() noexcept;
  void start(Order order, Content content, Nanoseconds delay) noexcept;
  bool from_worker() const noexcept;
  bool try_lock_registration() noexcept;
  void lock_registration() noexcept;
  void unlock_registration() noexcept;
  void stop_worker() noexcept;
  void wait_for_pins() noexcept;
  void publish_content() noexcept;
  void withdraw_content() noexcept;

  Port& port_;
  ZoneState zones_[kMaxZones];
  std::size_t zone_count_ = 0;
  std::size_t next_zone_ = 0;

  std::atomic<bool> registration_{false};  // the lock around registering
  std::atomic<std::uintptr_t> worker_{0};  // Port::current() of the thread inside run(), or 0
  std::atomic<bool> called_{false};        // run() was called since the worker last looped
  std::atomic<bool> stopping_{true};       // keeps the worker out
  ReportingDevice* device_ = nullptr;      // this and the members below change only while the worker is out
  Policy* policy_ = nullptr;
  AgedPolicy default_policy_;
  ScatterEntry* lists_ = nullptr;  // depth_ lists of capacity_ entries
  Request* requests_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t depth_ = 0;
  Order last_order_ = detail::kBlockOrder;  // the initial order of a zone's trigger
  Nanoseconds last_delay_;
  Content content_ = Content::Unknown;  // the content that was promised for the frames reported so far
  bool any_reported_ = false;
  std::atomic<bool> mixed_content_{false};  // relaxed: see withdraw_content()

  std::atomic<std::uint32_t> in_flight_{0};
  // The work that must end before the tables of a registration are freed: unsettled requests, and threads
  // inside complete() and fired() (MO-26).
  std::atomic<std::uint32_t> pins_{0};
  std::atomic<bool> accepting_{false};  // complete() may read the tables
  std::uint32_t generation_ = 0;        // of the last token; only the worker uses it
  std::atomic<std::uint64_t> requests_done_{0}, entries_done_{0}, frames_done_{0}, failures_{0},
      nanoseconds_{0};
};

}  // namespace fallow
