// The device's end of virtio: status handshake, features, configuration, queues. A kind of device derives
// from it and supplies the parts that differ; a transport drives it.
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
#include "fallow/virtio/ring/ring_journal.h"

namespace fallow {

// How a device reaches its driver. Called by the thread that runs the device.
class DriverNotifier {
 public:
  virtual void queue_used(std::uint16_t queue) noexcept = 0;  // used buffer notification (2.3)
  virtual void config_changed() noexcept = 0;                 // configuration change notification (2.3)

 protected:
  ~DriverNotifier() = default;
};

// What a driver did wrong; each may be read at any time without a lock.
struct DriverMistakes {
  std::uint64_t status = 0;    // status bits out of order, or cleared one by one (2.1.1)
  std::uint64_t features = 0;  // accepted what was not offered, or after FEATURES_OK
  std::uint64_t config = 0;    // reads and writes beyond the end, and writes to what is read-only
  std::uint64_t queues = 0;    // queues set up that there are not, twice, or wrongly
  std::uint64_t kicks = 0;     // of queues that are not set up
  std::uint64_t rings = 0;     // rules of the ring broken: each stopped the device until reset
  RingFault last_ring_fault = RingFault::None;
};

// One thread at a time, but for what says otherwise: a transport sees to that.
class VirtioDevice {
 public:
  static constexpr std::uint16_t kMaxQueues = 8;

  VirtioDevice(const VirtioDevice&) = delete;
  VirtioDevice& operator=(const VirtioDevice&) = delete;

  // ---- What a transport's registers do. ----

  Features offered() const noexcept { return offered_; }
  Features accepted() const noexcept { return accepted_; }
  bool has(Features bits) const noexcept { return (accepted_ & bits) == bits; }
  // Before FEATURES_OK; afterwards ignored and counted (3.1.1).
  void accept(Features features) noexcept;

  std::uint8_t status() const noexcept { return status_.load(std::memory_order_relaxed); }
  // 0 resets. FEATURES_OK does not stick if the features are not a subset of those offered, lack VERSION_1,
  // or are refused by the kind of device (2.2, 3.1.1); bits out of order are ignored and counted.
  void set_status(std::uint8_t status) noexcept;

  // Changes whenever the configuration changed on the device's side (2.5). Any thread. The acquire pairs with
  // the release in change_config(): a thread that reads the new number reads the new fields.
  std::uint32_t config_generation() const noexcept { return generation_.load(std::memory_order_acquire); }
  // Bytes beyond the end read as 0; a write beyond the end, or of nothing, changes nothing. Both are counted.
  void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept;
  void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept;

  std::uint16_t queue_count() const noexcept { return queue_count_; }
  std::uint16_t max_queue_size() const noexcept { return max_queue_size_; }
  // Begins to serve a queue, after FEATURES_OK. InvalidArgument, counted: no such queue with the features
  // accepted, more than max_queue_size() places, or as DeviceQueue::start() says. Busy, counted: it is set up
  // already.
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept {
    return start_queue(queue, addresses, QueuePosition::fresh(has(kFeatureRingPacked)));
  }
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses,
                     QueuePosition position) noexcept;
  // Forgets a queue and whatever of it the device held; it may be set up again (2.6.1). Returns where it was.
  // Not set up: a fresh position. May be called from within a request of the queue, in a discard: that chain
  // is not returned then, and nothing is written into the ring any more; process() has to return before any
  // queue is set up again.
  QueuePosition stop_queue(std::uint16_t queue) noexcept;
  bool started(std::uint16_t queue) const noexcept {
    return queue < queue_count_ && queues_[queue].active != nullptr;
  }

  // ---- What the device's thread does. ----

  // Serves a queue, at most `budget` chains. True: there may be more, and the driver is not asked to kick for
  // it: call again. Before DRIVER_OK and after a fault it does nothing (3.1), so a transport runs every queue
  // that is started() once when DRIVER_OK is set. A kick of a queue that is not set up is counted.
  bool process(std::uint16_t queue, std::uint32_t budget) noexcept;

  // Returns a chain that an earlier device, at this queue, took and never returned. The queue was started
  // behind it.
  void hand_back(std::uint16_t queue, std::uint16_t id, std::uint16_t slots) noexcept {
    give_back(queue, id, slots, 0);
  }
  // Null: nobody is told. Must outlive its use.
  void set_journal(RingJournal* journal) noexcept { journal_ = journal; }

  // Of any thread, without a lock.
  DriverMistakes mistakes() const noexcept;
  std::uint64_t chains() const noexcept { return chains_.load(std::memory_order_relaxed); }
  std::uint64_t descriptors() const noexcept { return descriptors_.load(std::memory_order_relaxed); }

 protected:
  // `rooms`: `queue_count` times `max_queue_size` places. All must outlive the device.
  VirtioDevice(const GuestMemory& memory, DriverNotifier& notifier, Features offered,
               std::uint16_t queue_count, std::uint16_t max_queue_size,
               std::span<detail::QueueBuffer> rooms) noexcept;
  ~VirtioDevice() = default;

  // Whether a queue is there with the features accepted.
  virtual bool has_queue(std::uint16_t) const noexcept { return true; }
  // Serves one chain. True: it is to be returned with `written`; false: the kind of device keeps it, and
  // will call give_back() once. Its buffers are gone after the call.
  virtual bool serve(std::uint16_t queue, const Chain& chain, std::uint32_t& written) noexcept = 0;
  virtual std::uint32_t config_size() const noexcept = 0;
  // Inside config_size(), all of it.
  virtual void read_config_field(std::uint32_t offset, std::span<std::byte> into) noexcept = 0;
  // False, which is counted: it is read-only, not there with the features accepted, or not to be written now.
  virtual bool write_config_field(std::uint32_t offset, std::span<const std::byte> from) noexcept = 0;
  // Whether the kind of device can live with these features, which are a subset of those offered.
  virtual bool acceptable(Features) const noexcept { return true; }
  // A queue was set up.
  virtual void queue_started(std::uint16_t) noexcept {}
  // A queue was stopped, by reset or by itself: what was kept of it is void.
  virtual void queue_stopped(std::uint16_t) noexcept {}
  // Back to the beginning; the queues are stopped.
  virtual void device_reset() noexcept {}

  void give_back(std::uint16_t queue, std::uint16_t id, std::uint16_t slots, std::uint32_t written) noexcept;
  // The configuration changed: the generation steps on, and the driver is told if it is there.
  void change_config() noexcept;
  // The driver must reset the device (2.1.2). Queues stop being served.
  void ask_for_reset() noexcept;
  bool driver_ok() const noexcept {
    return (status() & (kStatusDriverOk | kStatusNeedsReset)) == kStatusDriverOk;
  }
  const GuestMemory& memory() const noexcept { return *memory_; }
  // While no queue is set up.
  void set_memory(const GuestMemory& memory) noexcept { memory_ = &memory; }

 private:
  struct Queue {
    detail::SplitDeviceQueue split;
    detail::PackedDeviceQueue packed;
    DeviceQueue* active = nullptr;  // one of the two; null while the queue is not set up
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
  // Counts order nothing, hence relaxed throughout.
  std::atomic<std::uint64_t> chains_{0}, descriptors_{0};
  std::atomic<std::uint64_t> bad_status_{0}, bad_features_{0}, bad_config_{0}, bad_queues_{0}, bad_kicks_{0},
      bad_rings_{0};
  std::atomic<RingFault> last_ring_fault_{RingFault::None};
};

}  // namespace fallow
