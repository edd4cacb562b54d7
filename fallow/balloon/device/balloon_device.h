// The host's end of the balloon: takes the pages that the guest gives up, and releases them from the
// backing.
//
//   chain -> ranges (checked) -> runs (sorted, joined) -> whole host pages -> MemoryBacking::discard()
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/balloon/device/detail/guest_ranges.h"
#include "fallow/balloon/device/detail/inflated_pages.h"
#include "fallow/balloon/device/detail/releaser.h"
#include "fallow/balloon/device/memory_map.h"
#include "fallow/balloon/wire.h"
#include "fallow/virtio/device/virtio_device.h"

namespace fallow {

/// Why the device did not act on a part of a request.
enum class Refusal : std::uint8_t {
  Empty,          ///< the length is 0
  Wraps,          ///< address plus length does not fit in 64 bits
  OutsideMemory,  ///< not, or only partly, in guest memory
  PartOfPage,     ///< the bytes do not cover a whole host page
  NotWritable,    ///< a readable element in a report
  NotReadable,    ///< a writable element where the device reads
  ListLength,     ///< page frame numbers, statistics or a command id are truncated or exceed the limit
  Poison,         ///< the pages must keep a poison value other than 0
  Unpromised,     ///< page poison is 0, and the backing does not read back as zero
  HintId,         ///< pages hinted without a command id, or with a stale one
  SecondBuffer,   ///< a second statistics buffer; returned at once
  NotReleased,    ///< the backing failed
};
/// The number of values of Refusal.
inline constexpr std::size_t kRefusals = 12;
/// Returns a short description for people; never null.
const char* describe(Refusal why) noexcept;

/// What BalloonDevice::create() makes.
struct BalloonDeviceConfig {
  /// The features that the device offers.
  /// VERSION_1 is always added. kBalloonInitReported is offered only if this set contains the bit.
  Features features = kBalloonDeviceFeatures | kRingFeatures;
  std::uint16_t max_queue_size = 256;  ///< 1 to kMaxQueueSize
};

/// Counters since creation. Each is exact, and readable at any time without a lock.
struct BalloonDeviceStats {
  std::uint64_t reports = 0;  ///< requests on the reporting queue
  std::uint64_t entries = 0;  ///< elements in these requests
  ByteCount reported;         ///< bytes in these requests that lie in guest memory
  ByteCount released;         ///< bytes that reports released
  /// calls of MemoryBacking::discard(), for reports and inflation
  std::uint64_t discards = 0;
  std::uint64_t paused = 0;                        ///< requests received while reporting was paused
  PfnCount inflated;                               ///< frames in the balloon now
  std::uint64_t inflated_twice = 0;                ///< frames inflated while already in the balloon
  ByteCount inflate_released;                      ///< bytes that inflation released
  std::uint64_t hinted = 0;                        ///< bytes
  std::array<std::uint64_t, kRefusals> refused{};  ///< by Refusal
  /// Returns the sum of `refused`.
  std::uint64_t refused_all() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : refused) sum += n;
    return sum;
  }
};

/// The statistics that the guest sent last. The guest controls every value.
struct GuestStatistics {
  std::array<std::uint64_t, kStatTags> value{};  ///< by StatTag
  std::uint32_t present = 0;                     ///< bit n: the guest sent value[n]
  std::uint64_t unknown_tags = 0;                ///< ignored (5.5.6.3.2)
  std::uint64_t updates = 0;                     ///< buffers received
};

/// Notices to the host. Called on the device's thread during a request: a call may read the device and must
/// not change the device. Act on a notice after the request.
class BalloonObserver {
 public:
  /// A reason why memory does not come back to the host as expected.
  enum class Notice : std::uint8_t {
    PoisonKeepsPages,  ///< the guest's poison value is not 0: no reported page can be released
    PoisonInDoubt,     ///< the poison value is not known: no reported page is released until it is
    NotReleased,       ///< the backing failed for the first time
  };
  /// Called at most once for each notice until the device is reset.
  virtual void notice(Notice) noexcept {}
  /// A statistics buffer arrived; see BalloonDevice::guest_statistics().
  virtual void statistics() noexcept {}
  /// Reports whole frames of guest memory that the guest does not need under the current command id. Their
  /// content may be lost until hinting is finished (5.5.6.5); the device itself does not touch the frames.
  virtual void hinted(GuestPhys, ByteCount) noexcept {}
  /// The guest wrote the number of frames in its balloon.
  virtual void actual_changed() noexcept {}

 protected:
  ~BalloonObserver() = default;
};

/// The balloon device. Called by one thread at a time unless a function says otherwise, as VirtioDevice.
class BalloonDevice final : public VirtioDevice {
 public:
  /// Returns the bytes of memory that create() needs; 0 for an invalid configuration.
  static ByteCount metadata_size(const BalloonDeviceConfig& config, const MemoryMap& map) noexcept;

  /// Builds a device in `metadata`, which is zero-filled, aligned to 64 bytes and at least metadata_size()
  /// long. All arguments must outlive the device, which needs no destruction. `observer` may be null. Returns
  /// InvalidArgument if the configuration or the memory does not meet these conditions.
  static Result<BalloonDevice*> create(const BalloonDeviceConfig& config, const MemoryMap& map,
                                       DriverNotifier& notifier, BalloonObserver* observer,
                                       std::span<std::byte> metadata) noexcept;

  /// Switches to another memory map of the guest. Frames in the balloon stay there if they still exist.
  /// `words` is zero-filled and InflatedPages::words(map) long; `words` and `map` must outlive the device or
  /// the next change of memory. Returns Busy if a queue is set up, InvalidArgument for too few words.
  /// O(frames of the previous map / 2^18 + frames in the balloon).
  Status change_memory(const MemoryMap& map, std::span<std::uint64_t> words) noexcept;

  /// Forgets the state of the driver because another driver begins. Does the same as a reset, except that
  /// queues and features stay.
  void forget_driver() noexcept;

  /// Sets the number of frames that the balloon should have (5.5.6); more than 2^32 - 1 count as 2^32 - 1.
  void set_target(PfnCount frames) noexcept;
  /// Returns the frames last set by set_target(). Any thread.
  PfnCount target() const noexcept { return {num_pages_.load(std::memory_order_relaxed)}; }
  /// Returns the number of frames that the driver claims to have in the balloon. Any thread.
  PfnCount actual() const noexcept { return {actual_.load(std::memory_order_relaxed)}; }
  /// Returns the value that the driver wrote as page poison; 0 before. Any thread.
  std::uint32_t poison() const noexcept { return poison_.load(std::memory_order_relaxed); }
  /// While true, poison() may differ from the value that the driver uses, because the transport may have lost
  /// the value. No page that a driver with PAGE_POISON reports is then released. A reset clears the flag.
  /// Device thread only.
  void doubt_poison(bool on) noexcept { poison_in_doubt_ = on; }

  /// Requests statistics from the guest (5.5.6.3). Returns Busy if the guest has not answered the last
  /// request or has not supplied a buffer yet, NotFound if the feature was not negotiated.
  Status request_statistics() noexcept;
  /// Returns the statistics received last; all zero before. Device thread only.
  const GuestStatistics& guest_statistics() const noexcept { return statistics_; }
  /// Keeps for the next request a chain of the statistics queue that was taken before the queue was started.
  void adopt_statistics(std::uint16_t id, std::uint16_t slots) noexcept { held_ = {true, id, slots}; }

  /// Free page hinting (5.5.6.5): start_hinting() begins a round under a new command id; stop_hinting()
  /// interrupts the round; finish_hinting() ends it, and the driver may reuse the hinted pages. The latter
  /// two are no-ops if the feature was not negotiated. start_hinting() then returns NotFound, and Busy while
  /// the driver has not ended the last round.
  /// @{
  Status start_hinting() noexcept;
  void stop_hinting() noexcept;
  void finish_hinting() noexcept;
  /// @}

  /// While true, no page is released: reports are acknowledged with a used length of 0. Any thread.
  void pause_reporting(bool on) noexcept { paused_.store(on, std::memory_order_relaxed); }

  BalloonDeviceStats stats() const noexcept;  ///< any thread

  /// Returns how the driver numbers its queues: without gaps, unless the driver set up a queue that exists
  /// only under another numbering. Undecided again when the last queue has stopped.
  QueueNumbers queue_numbers() const noexcept { return numbers_; }
  /// Returns the number of a queue; kNoQueue if the accepted features do not include the queue.
  /// @{
  std::uint16_t number(BalloonQueue queue) const noexcept { return number(queue, numbers_); }
  std::uint16_t number(BalloonQueue queue, QueueNumbers numbers) const noexcept {
    return queue_number(offered(), accepted(), queue, numbers);
  }
  /// @}
  /// Returns whether start_queue() accepts the queue.
  bool has_queue(std::uint16_t queue) const noexcept override;

 private:
  struct Layout;

  // The counters order nothing; all accesses are relaxed.
  struct Counts {
    std::atomic<std::uint64_t> reports{0}, entries{0}, reported{0}, released{0}, discards{0}, paused{0},
        inflated{0}, inflated_twice{0}, inflate_released{0}, hinted{0};
    std::array<std::atomic<std::uint64_t>, kRefusals> refused{};
  };

  // The chain of the statistics queue that is kept for the next request.
  struct Held {
    bool any = false;
    std::uint16_t id = 0, slots = 0;
  };

  BalloonDevice(const BalloonDeviceConfig& config, const MemoryMap& map, DriverNotifier& notifier,
                BalloonObserver* observer, const Layout& at, std::byte* metadata) noexcept;

  // VirtioDevice.
  bool serve(std::uint16_t queue, const Chain& chain, std::uint32_t& written) noexcept override;
  std::uint32_t config_size() const noexcept override { return kBalloonConfigSize; }
  void read_config_field(std::uint32_t offset, std::span<std::byte> into) noexcept override;
  bool write_config_field(std::uint32_t offset, std::span<const std::byte> from) noexcept override;
  void queue_started(std::uint16_t queue) noexcept override;
  void queue_stopped(std::uint16_t queue) noexcept override;
  void device_reset() noexcept override;

  void refuse(Refusal why, std::uint64_t n = 1) noexcept;
  void say(BalloonObserver::Notice notice) noexcept;

  bool numbers_all(std::uint16_t queue, QueueNumbers numbers) const noexcept;

  // Each function serves a chain of its queue.
  std::uint32_t serve_report(std::span<const detail::QueueBuffer> buffers) noexcept;
  void serve_inflate(std::span<const detail::QueueBuffer> buffers) noexcept;
  void serve_deflate(std::span<const detail::QueueBuffer> buffers) noexcept;
  bool serve_statistics(const Chain& chain) noexcept;
  void serve_hint(std::span<const detail::QueueBuffer> buffers) noexcept;

  std::uint64_t collect(std::span<const detail::QueueBuffer> buffers) noexcept;
  std::uint32_t release_reported(std::span<const detail::QueueBuffer> buffers,
                                 detail::ReleaseTerms terms) noexcept;
  void settle(const detail::ReleaseOutcome& outcome) noexcept;

  void inflate(Pfn frame) noexcept;
  void release_inflated() noexcept;
  void deflate(Pfn frame) noexcept;

  void take_command(std::span<const detail::QueueBuffer> buffers) noexcept;
  void take_hints(std::span<const detail::QueueBuffer> buffers) noexcept;
  void set_hint_command(std::uint32_t id) noexcept;

  const MemoryMap* map_;
  BalloonObserver* const observer_;

  // The fields of the configuration that change (5.5.4).
  std::atomic<std::uint32_t> num_pages_{0}, actual_{0}, poison_{0};
  std::uint32_t hint_command_ = kHintStop;
  std::atomic<bool> paused_{false};

  // Working memory of one request.
  detail::GuestRanges ranges_;
  detail::Releaser releaser_;
  std::span<std::byte> list_;

  detail::InflatedPages inflated_;
  GuestStatistics statistics_;
  Held held_;
  std::uint32_t last_hint_id_ = kHintDone;    // the last id used
  std::uint32_t driver_hint_id_ = kHintStop;  // the id under which the driver hints pages
  bool hinting_ = false;                      // the driver began a round and has not ended it
  std::uint8_t said_ = 0;                     // one bit for each notice
  bool poison_in_doubt_ = false;
  QueueNumbers numbers_ = QueueNumbers::WithoutGaps;

  Counts counts_;
};

}  // namespace fallow
