// The device's end of virtio: status handshake, features, configuration and queues. A device type derives
// from VirtioDevice and supplies the parts that differ; a transport drives the device.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/features.h"
#include "fallow/virtio/ring/detail/packed_device_queue.h"
#include "fallow/virtio/ring/detail/split_device_queue.h"
#include "fallow/virtio/ring/device_queue.h"
#include "fallow/virtio/ring/guest_memory.h"

namespace fallow {

/// How a device reaches its driver. Called by the thread that runs the device.
class DriverNotifier {
 public:
  virtual void queue_used(std::uint16_t queue) noexcept = 0;  ///< used buffer notification (2.3)
  virtual void config_changed() noexcept = 0;                 ///< configuration change notification (2.3)

 protected:
  ~DriverNotifier() = default;
};

/// Counters of the driver's errors. Each is exact, and readable at any time without a lock.
struct DriverMistakes {
  std::uint64_t status = 0;    ///< status bits out of order, or cleared one by one (2.1.1)
  std::uint64_t features = 0;  ///< accepted features that were not offered, or after FEATURES_OK
  std::uint64_t config = 0;    ///< accesses beyond the end, and writes to read-only fields
  std::uint64_t queues = 0;    ///< queues set up that do not exist, twice, or incorrectly
  std::uint64_t kicks = 0;     ///< kicks of queues that are not set up
  std::uint64_t rings = 0;     ///< broken rules of a ring; each stops the device until reset
  /// the last broken rule
  RingFault last_ring_fault = RingFault::None;
};

/// The device of a transport. Used by one thread at a time unless a function says otherwise; the transport
/// ensures this.
class VirtioDevice {
 public:
  /// The number of queues that a device type may have.
  static constexpr std::uint16_t kMaxQueues = 8;

  VirtioDevice(const VirtioDevice&) = delete;
  VirtioDevice& operator=(const VirtioDevice&) = delete;

  // ---- Called by the registers of a transport. ----

  /// Returns the features that the device offers, VERSION_1 included.
  Features offered() const noexcept { return offered_; }
  /// Returns the features that the driver accepted; none after a reset.
  Features accepted() const noexcept { return accepted_; }
  /// Returns whether the driver accepted all of `bits`.
  bool has(Features bits) const noexcept { return (accepted_ & bits) == bits; }
  /// Sets the accepted features before FEATURES_OK; a later call is ignored and counted (3.1.1).
  void accept(Features features) noexcept;

  /// Returns the status: kStatus bits. Any thread.
  std::uint8_t status() const noexcept { return status_.load(std::memory_order_relaxed); }
  /// Writes the status; 0 resets the device. FEATURES_OK does not stick if the features are not a subset of
  /// the offered ones, lack VERSION_1, or are refused by the device type (2.2, 3.1.1). Bits out of order are
  /// ignored and counted.
  void set_status(std::uint8_t status) noexcept;

  /// Returns a number that changes whenever the device changes the configuration (2.5). A thread that reads
  /// the new number reads the new fields. Any thread.
  // acquire: pairs with the release in change_config().
  std::uint32_t config_generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  /// Reads and writes the configuration space. Bytes beyond the end read as 0. A write that is empty or
  /// reaches beyond the end has no effect. Both are counted.
  /// @{
  void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept;
  void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept;
  /// @}

  /// Returns one more than the highest queue number; a queue below may still be missing.
  std::uint16_t queue_count() const noexcept { return queue_count_; }
  /// Returns the largest size of a queue, in entries.
  std::uint16_t max_queue_size() const noexcept { return max_queue_size_; }
  /// Begins to serve a queue after FEATURES_OK. Errors are counted. Returns InvalidArgument if the queue does
  /// not exist with the accepted features or has more than max_queue_size() entries, and the errors of
  /// DeviceQueue::start(); Busy if the queue is already set up.
  /// @{
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept {
    return start_queue(queue, addresses, QueuePosition::fresh(has(kFeatureRingPacked)));
  }
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses,
                     QueuePosition position) noexcept;
  /// @}
  /// Stops a queue and forgets the chains that the device holds; the queue may be set up again (2.6.1).
  /// Returns the position at which the queue stopped, or a fresh position if the queue was not set up. May be
  /// called within a request of the queue, during a discard: the chain is then not returned, and the ring is
  /// no longer written. process() must return before any queue is set up again.
  QueuePosition stop_queue(std::uint16_t queue) noexcept;
  /// Returns whether the queue is set up.
  bool started(std::uint16_t queue) const noexcept {
    return queue < queue_count_ && queues_[queue].active != nullptr;
  }

  // ---- Called by the device's thread. ----

  /// Serves a queue, at most `budget` chains. Returns true if more chains may be available: call again,
  /// because the driver is not asked to kick for them. Does nothing before DRIVER_OK and after a fault (3.1);
  /// a transport therefore runs every started() queue once when DRIVER_OK is set. A kick of a queue that is
  /// not set up is counted.
  bool process(std::uint16_t queue, std::uint32_t budget) noexcept;

  /// Returns a chain that an earlier device took from this queue and never returned. The queue was started
  /// behind this chain.
  void hand_back(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept {
    give_back(queue, id, slots, 0);
  }
  /// Sets the journal, which must outlive its use; null: no journal.
  void set_journal(RingJournal* journal) noexcept { journal_ = journal; }

  /// Returns the counters of the driver's errors. Any thread, without a lock.
  DriverMistakes mistakes() const noexcept;
  /// Returns the chains taken, and their elements, since creation. Any thread, without a lock.
  /// @{
  std::uint64_t chains() const noexcept { return chains_.load(std::memory_order_relaxed); }
  std::uint64_t descriptors() const noexcept { return descriptors_.load(std::memory_order_relaxed); }
  /// @}

 protected:
  /// `rooms` holds `queue_count` times `max_queue_size` entries. All arguments must outlive the device.
  VirtioDevice(const GuestMemory& memory, DriverNotifier& notifier, Features offered,
               std::uint16_t queue_count, std::uint16_t max_queue_size,
               std::span<detail::QueueBuffer> rooms) noexcept;
  ~VirtioDevice() = default;

  /// Returns whether a queue exists with the accepted features.
  virtual bool has_queue(std::uint16_t) const noexcept { return true; }
  /// Serves one chain. Returns true if the chain is to be returned with `written`; false if the device type
  /// keeps the chain and will call give_back() once. The buffers are invalid after the call.
  virtual bool serve(std::uint16_t queue, const Chain& chain, std::uint32_t& written) noexcept = 0;
  /// Returns the bytes of the configuration space.
  virtual std::uint32_t config_size() const noexcept = 0;
  /// Reads a range that lies wholly within config_size().
  virtual void read_config_field(std::uint32_t offset, std::span<std::byte> into) noexcept = 0;
  /// Returns false, which is counted, if the field is read-only, does not exist with the accepted features,
  /// or must not be written now.
  virtual bool write_config_field(std::uint32_t offset, std::span<const std::byte> from) noexcept = 0;
  /// Returns whether the device type supports these features, a subset of the offered ones.
  virtual bool acceptable(Features) const noexcept { return true; }
  /// Called after a queue was set up.
  virtual void queue_started(std::uint16_t) noexcept {}
  /// Called after a queue was stopped, by a reset or alone: its kept chains are void.
  virtual void queue_stopped(std::uint16_t) noexcept {}
  /// Resets the device type to its initial state; the queues are stopped.
  virtual void device_reset() noexcept {}

  /// Returns a chain that serve() kept.
  void give_back(std::uint16_t queue, std::uint16_t id, std::uint16_t slots, std::uint32_t written) noexcept;
  /// The configuration changed: increments the generation and notifies the driver if the driver is ready.
  void change_config() noexcept;
  /// Requests a reset from the driver (2.1.2). Queues are no longer served.
  void ask_for_reset() noexcept;
  /// Returns whether the driver is ready and no reset is requested.
  bool driver_ok() const noexcept {
    return (status() & (kStatusDriverOk | kStatusNeedsReset)) == kStatusDriverOk;
  }
  /// Returns the memory in which the rings lie.
  const GuestMemory& memory() const noexcept { return *memory_; }
  /// Replaces the memory. Called only while no queue is set up.
  void set_memory(const GuestMemory& memory) noexcept { memory_ = &memory; }

 private:
  struct Queue {
    detail::SplitDeviceQueue split;
    detail::PackedDeviceQueue packed;
    DeviceQueue* active = nullptr;  // either ring; null while the queue is not set up
  };

  void reset() noexcept;
  std::uint8_t in_order(std::uint8_t wanted) noexcept;
  bool features_stick() noexcept;
  bool take(std::uint16_t queue, DeviceQueue& ring, bool& used) noexcept;
  void push(std::uint16_t queue, DeviceQueue& ring, std::uint16_t id, std::uint16_t slots,
            std::uint32_t written) noexcept;
  void ring_broken(RingFault fault) noexcept;
  std::span<detail::QueueBuffer> room(std::uint16_t queue) const noexcept {
    return rooms_.subspan(std::size_t{queue} * max_queue_size_, max_queue_size_);
  }

  const GuestMemory* memory_;
  DriverNotifier& notifier_;
  RingJournal* journal_ = nullptr;
  const Features offered_;
  Features accepted_ = 0;
  std::atomic<std::uint8_t> status_{0};
  std::atomic<std::uint32_t> generation_{0};
  const std::uint16_t queue_count_, max_queue_size_;
  std::span<detail::QueueBuffer> rooms_;
  Queue queues_[kMaxQueues];
  // The counters order nothing; all accesses are relaxed.
  std::atomic<std::uint64_t> chains_{0}, descriptors_{0};
  std::atomic<std::uint64_t> bad_status_{0}, bad_features_{0}, bad_config_{0}, bad_queues_{0}, bad_kicks_{0},
      bad_rings_{0};
  std::atomic<RingFault> last_ring_fault_{RingFault::None};
};

}  // namespace fallow
