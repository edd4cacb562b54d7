// The reporter: the one device's registration, and the worker that shows it what nobody uses.
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

// Counters since construction; each may be read at any time without a lock (R14).
struct ReportingStats {
  std::uint64_t requests = 0;   // that the device took
  std::uint64_t entries = 0;    // in them
  PfnCount reported;            // frames in them
  std::uint64_t failures = 0;   // requests that the device refused
  Nanoseconds in_report;        // time from report() to its return or completion
  std::uint32_t in_flight = 0;  // right now
};

// Serves up to kMaxZones zones. Must have no device registered when it ends, and must outlive every free in
// its zones that began while there was one (such a free may be on its way to the trigger), every call of
// run(), and every call of complete().
class Reporter {
 public:
  static constexpr std::size_t kMaxZones = 64;
  // A pass that failed is tried again after this time, doubled with each failure in a row (R7).
  static constexpr Nanoseconds kFirstRetry = milliseconds(100);
  static constexpr Nanoseconds kLastRetry = seconds(10);

  // Before any traffic on the zones.
  Reporter(Port& port, std::span<Zone* const> zones);
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  // R1, R2, R10. Starts reporting what is free and unmarked in every zone. Both objects must live
  // until unregister_device() has returned. Busy, InvalidArgument and NoMemory change nothing. Any thread.
  Status register_device(ReportingDevice& device, Policy& policy);

  // The same with the default policy: `aged`, blocks of 2 MiB that have been free for 100 ms.
  Status register_device(ReportingDevice& device) { return register_device(device, default_policy_); }

  // R9. Waits for the requests in flight, and for threads inside complete() or about to wake the worker; once
  // it has returned, the port is not asked for a wakeup any more. NotFound if it is not this device that is
  // registered; Deadlock from inside report(). Any other thread, at any moment, except one that has requests
  // in flight to complete itself: it would wait for itself, unless Port::relax() completes them.
  Status unregister_device(const ReportingDevice& device);

  // R10. The owner of the memory lost its state: everything free is reported anew. Waits for the requests in
  // flight, as unregister_device() does. Ends the back-off of requests that failed before (R7), and of those
  // that it waited for. Deadlock from inside report().
  Status forget_reported();

  // The worker: does what is due, and returns when it wants to run next (kNever: not before the port is
  // asked to wake it). One thread at a time does the work; a second caller returns kNever at once, and the
  // first goes round again for it.
  Nanoseconds run() noexcept;

  // Settles a request for which report() returned Pending. Any thread, at any moment. InvalidArgument, and
  // nothing else, for a token that is not in flight: it is settled already, of an earlier request in its
  // slot, or of an earlier registration. The thread that completes must not allocate from a zone that may be
  // out of free frames: it would wait for itself (R11).
  Status complete(std::uint32_t token, Status status) noexcept;

  // R3, R4: the zone's flag.
  bool reporting_requested(std::size_t zone) const noexcept;

  ReportingStats stats() const noexcept;

 private:
  class Sink;

  enum class Flag : std::uint8_t { Off, Resting, Requested };  // Off: no device

  // A zone's flag and, above it, a count of the requests of the zone that have failed. Both change in one
  // step, so that a zone comes to rest only if no request has failed since the last pass began (MO-24).
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
    std::atomic<std::uint64_t> due{0};         // when the next pass may run, while requested
    std::atomic<std::uint64_t> delay{0};       // from the trigger to the first pass
    std::atomic<std::uint64_t> retry{0};       // the current back-off; 0: the last request went well
    std::atomic<std::uint64_t> not_before{0};  // no pass sooner, whatever is due
    std::atomic<bool> blocked{false};          // the pass ended since all places for requests were taken
    std::atomic<bool> everything{false};  // the next pass takes what is there, whatever the mark (R2, R7)

    Nanoseconds when() const noexcept {
      const std::uint64_t a = due.load(std::memory_order_relaxed),
                          b = not_before.load(std::memory_order_relaxed);
      return {a > b ? a : b};
    }
  };

  enum class Place : std::uint8_t { Free, Filling, InFlight, Settling };

  // A request's place and, above it, the generation of its token: a completion takes both in one step.
  using PlaceWord = std::uint32_t;
  static constexpr PlaceWord word_of(Place place, std::uint32_t token) {
    return (token >> kSlotBits << 2) | static_cast<PlaceWord>(place);
  }
  static constexpr Place place_of(PlaceWord word) { return static_cast<Place>(word & 3); }

  // A slot for a request.
  struct Request {
    std::atomic<PlaceWord> place{static_cast<PlaceWord>(Place::Free)};
    ZoneState* state = nullptr;
    std::uint32_t entries = 0;
    Nanoseconds started;
  };

  static void fired(void* zone_state) noexcept;
  void request(ZoneState& state) noexcept;
  void back_off(ZoneState& state) noexcept;
  Nanoseconds round() noexcept;
  void pass(ZoneState& state) noexcept;
  bool wants_more(const ZoneState& state, bool everything) const noexcept;
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
  void start(Order order, Content promise, Nanoseconds delay) noexcept;
  bool from_worker() const noexcept;
  bool try_lock_registration() noexcept;
  void lock_registration() noexcept;
  void unlock_registration() noexcept;
  void stop_worker() noexcept;
  void wait_for_pins() noexcept;
  void set_promise() noexcept;
  void withdraw_promise() noexcept;

  Port& port_;
  ZoneState zones_[kMaxZones];
  std::size_t zone_count_ = 0;
  std::size_t next_zone_ = 0;

  std::atomic<bool> registration_{false};  // a lock around registering
  std::atomic<std::uintptr_t> worker_{0};  // who is inside run(), as Port::current()
  std::atomic<bool> called_{false};        // since the worker last went round
  std::atomic<bool> stopping_{true};       // keeps the worker out
  ReportingDevice* device_ = nullptr;      // this and below: changed only while the worker is out
  Policy* policy_ = nullptr;
  AgedPolicy default_policy_;
  ScatterEntry* lists_ = nullptr;  // depth_ lists of capacity_ entries
  Request* requests_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t depth_ = 0;
  Order last_order_ = detail::kBlockOrder;  // as a zone has it to begin with
  Nanoseconds last_delay_;
  Content promise_ = Content::Unknown;  // of the marks there are
  bool any_marks_ = false;
  std::atomic<bool> mixed_promises_{false};  // relaxed: see withdraw_promise()

  std::atomic<std::uint32_t> in_flight_{0};
  // What must end before the tables of a registration go: requests that are not settled, and threads inside
  // complete() and fired() (MO-26).
  std::atomic<std::uint32_t> pins_{0};
  std::atomic<bool> accepting_{false};  // complete() may look at the tables
  std::uint32_t generation_ = 0;        // of the last token; the worker's
  std::atomic<std::uint64_t> requests_done_{0}, entries_done_{0}, frames_done_{0}, failures_{0},
      nanoseconds_{0};
};

}  // namespace fallow
