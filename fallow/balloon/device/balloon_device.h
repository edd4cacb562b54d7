// The balloon device, the host's end: takes what the guest gives up, and releases it from the backing.
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

// Why something that the guest sent was not acted upon.
enum class Refusal : std::uint8_t {
  Empty,          // a length of 0
  Wraps,          // address plus length does not fit 64 bits
  OutsideMemory,  // no such guest memory, wholly or in part
  PartOfPage,     // bytes that make up no whole host page
  NotWritable,    // a readable element where pages are reported
  NotReadable,    // a writable element where the device is told something
  ListLength,     // page frame numbers, statistics or a command id that are cut off, or more than is read
  Poison,         // pages that must keep a poison value other than 0
  Unpromised,     // page poison is 0 and the backing does not read back as zero
  HintId,         // pages hinted under no command id, or a stale one
  SecondBuffer,   // a second statistics buffer: returned at once
  NotReleased,    // the backing failed
};
inline constexpr std::size_t kRefusals = 12;
const char* describe(Refusal why) noexcept;

struct BalloonDeviceConfig {
  // VERSION_1 is added. kBalloonInitReported is offered only if it is named here.
  Features features = kBalloonMustTellHost | kBalloonStatsVq | kBalloonDeflateOnOom | kBalloonFreePageHint |
                      kBalloonPagePoison | kBalloonPageReporting | kRingFeatures;
  std::uint16_t max_queue_size = 256;  // 1 to kMaxQueueSize
};

// Counts since creation; each may be read at any time without a lock.
struct BalloonDeviceStats {
  std::uint64_t reports = 0;                       // requests on the reporting queue
  std::uint64_t entries = 0;                       // in them
  ByteCount reported;                              // in them, as far as they were pages of the guest
  ByteCount released;                              // by reports
  std::uint64_t discards = 0;                      // calls of the backing, for reports and for inflation
  std::uint64_t paused = 0;                        // requests that came while reporting was paused
  PfnCount inflated;                               // in the balloon at present
  std::uint64_t inflated_twice = 0;                // frames that were in the balloon when they were inflated
  ByteCount inflate_released;                      // by inflation
  std::uint64_t hinted = 0;                        // bytes
  std::array<std::uint64_t, kRefusals> refused{};  // by Refusal
  std::uint64_t refused_all() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : refused) sum += n;
    return sum;
  }
};

// Statistics as the guest gave them last. All of the guest's own making.
struct GuestStatistics {
  std::array<std::uint64_t, kStatTags> value{};  // by StatTag
  std::uint32_t present = 0;                     // bit n: value[n] was given
  std::uint64_t unknown_tags = 0;                // ignored (5.5.6.3.2)
  std::uint64_t updates = 0;                     // buffers received
};

// What a host may want to hear. Called on the device's thread, in the middle of a request: may read the
// device, and must not change it; what there is to do is done afterwards.
class BalloonObserver {
 public:
  enum class Notice : std::uint8_t {
    PoisonKeepsPages,  // the guest's poison value is not 0: nothing it reports can be released
    PoisonInDoubt,     // it is not known: nothing it reports is released until it is
    NotReleased,       // the backing failed for the first time
  };
  // Once each, until the device is reset.
  virtual void notice(Notice) noexcept {}
  // A statistics buffer came; see BalloonDevice::guest_statistics().
  virtual void statistics() noexcept {}
  // Pages that the guest does not need under the current command id: whole frames, in guest memory. May be
  // lost until hinting is finished (5.5.6.5); the device itself leaves them alone.
  virtual void hinted(GuestPhys, ByteCount) noexcept {}
  // The guest wrote how many frames it has in the balloon.
  virtual void actual_changed() noexcept {}

 protected:
  ~BalloonObserver() = default;
};

// As VirtioDevice: one thread at a time, but for what says otherwise.
class BalloonDevice final : public VirtioDevice {
 public:
  // Bytes of memory that create() needs.
  static ByteCount metadata_size(const BalloonDeviceConfig& config, const MemoryMap& map) noexcept;

  // Builds a device in `metadata`, zero-filled, aligned to 64 bytes and at least metadata_size() long. All
  // arguments must outlive the device, which needs no destruction; `observer` may be null. InvalidArgument if
  // the configuration or the memory is not as described.
  static Result<BalloonDevice*> create(const BalloonDeviceConfig& config, const MemoryMap& map,
                                       DriverNotifier& notifier, BalloonObserver* observer,
                                       std::span<std::byte> metadata) noexcept;

  // Goes over to other memory of the guest: what is in the balloon, and is there still, stays in it. `words`,
  // zero-filled, is InflatedPages::words(map) long; it and `map` must outlive the device or its next change
  // of memory. Busy: a queue is set up. InvalidArgument: too few words. O(frames of the map before / 2^18),
  // and what is in the balloon.
  Status change_memory(const MemoryMap& map, std::span<std::uint64_t> words) noexcept;

  // Forgets what the driver said so far, as another one begins: as a reset does, but queues and features
  // stay.
  void forget_driver() noexcept;

  // How many frames the balloon should have (5.5.6); at most 2^32 - 1.
  void set_target(PfnCount frames) noexcept;
  PfnCount target() const noexcept { return {num_pages_.load(std::memory_order_relaxed)}; }
  // How many the driver says it has. Any thread.
  PfnCount actual() const noexcept { return {actual_.load(std::memory_order_relaxed)}; }
  std::uint32_t poison() const noexcept { return poison_.load(std::memory_order_relaxed); }
  // While true, the value that poison() returns may not be the one that the driver uses, as its transport may
  // have lost it: of a driver that accepted PAGE_POISON nothing that is reported is released. False after a
  // reset. The device's thread.
  void doubt_poison(bool on) noexcept { poison_in_doubt_ = on; }

  // Asks the guest for statistics (5.5.6.3). Busy: it has not answered the last request, or given a buffer
  // yet. NotFound: the feature was not negotiated.
  Status request_statistics() noexcept;
  const GuestStatistics& guest_statistics() const noexcept { return statistics_; }
  // Keeps, for the next request, a chain of the statistics queue that was taken and kept before the queue was
  // started.
  void adopt_statistics(std::uint16_t id, std::uint16_t slots) noexcept { held_ = {true, id, slots}; }

  // Free page hinting (5.5.6.5): begins a round under a new command id, interrupts it, ends it for good.
  // NotFound: the feature was not negotiated. Busy: the driver has not ended the last round yet.
  Status start_hinting() noexcept;
  void stop_hinting() noexcept;
  void finish_hinting() noexcept;

  // While true, nothing is released: reports are acknowledged with a used length of 0. Any thread.
  void pause_reporting(bool on) noexcept { paused_.store(on, std::memory_order_relaxed); }

  BalloonDeviceStats stats() const noexcept;  // any thread

  // How the driver numbers its queues: without gaps, unless it set up one that is numbered otherwise, and
  // none that is not. Open again when the last queue stopped.
  QueueNumbers queue_numbers() const noexcept { return numbers_; }
  // The number of a queue; kNoQueue if the features that were accepted do not give it.
  std::uint16_t number(BalloonQueue queue) const noexcept { return number(queue, numbers_); }
  std::uint16_t number(BalloonQueue queue, QueueNumbers numbers) const noexcept {
    return queue_number(offered(), accepted(), queue, numbers);
  }
  // Whether start_queue() knows what the queue is for.
  bool has_queue(std::uint16_t queue) const noexcept override;

 private:
  struct Layout;

  // Counts order nothing, hence relaxed throughout.
  struct Counts {
    std::atomic<std::uint64_t> reports{0}, entries{0}, reported{0}, released{0}, discards{0}, paused{0},
        inflated{0}, inflated_twice{0}, inflate_released{0}, hinted{0};
    std::array<std::atomic<std::uint64_t>, kRefusals> refused{};
  };

  // A chain of the statistics queue that is kept for the next request.
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

  bool is_queue(std::uint16_t queue, QueueNumbers numbers) const noexcept;
  bool numbers_all(std::uint16_t queue, QueueNumbers numbers) const noexcept;

  // Each serves a chain of its queue.
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
  bool widen(std::size_t region, detail::GuestRange& part) const noexcept;
  void deflate(Pfn frame) noexcept;
  void populate_deflated() noexcept;

  void take_command(std::span<const detail::QueueBuffer> buffers) noexcept;
  void take_hints(std::span<const detail::QueueBuffer> buffers) noexcept;
  void set_hint_command(std::uint32_t id) noexcept;

  const MemoryMap* map_;
  BalloonObserver* const observer_;

  // The configuration's fields that change (5.5.4).
  std::atomic<std::uint32_t> num_pages_{0}, actual_{0}, poison_{0};
  std::uint32_t hint_command_ = kHintStop;
  std::atomic<bool> paused_{false};

  // Work memory of one request.
  detail::GuestRanges ranges_;
  detail::Releaser releaser_;
  std::span<std::byte> list_;

  detail::InflatedPages inflated_;
  GuestStatistics statistics_;
  Held held_;
  std::uint32_t last_hint_id_ = kHintDone;    // given out
  std::uint32_t driver_hint_id_ = kHintStop;  // what the driver said that its pages belong to
  bool hinting_ = false;                      // the driver began a round and has not ended it
  std::uint8_t said_ = 0;                     // a bit for each notice
  bool poison_in_doubt_ = false;
  QueueNumbers numbers_ = QueueNumbers::WithoutGaps;

  Counts counts_;
};

}  // namespace fallow
