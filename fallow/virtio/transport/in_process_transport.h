// Driver and device in one process: shared memory between them, and a doorbell for each direction.
//
//   driver -> notify() -> kicks -> run_device() -> VirtioDevice::process()
//   device -> queue_used(), config_changed() -> news -> run_driver() -> DeviceCalls
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "fallow/base/callback.h"
#include "fallow/platform/detail/spin_lock.h"
#include "fallow/platform/port.h"
#include "fallow/virtio/device/virtio_device.h"
#include "fallow/virtio/transport/detail/pending_notifications.h"
#include "fallow/virtio/transport/transport.h"

namespace fallow {

/// Rung when run_device() or run_driver() has work. Must not block. Rung outside all locks; may call the
/// function directly.
using Doorbell = Callback<void()>;

/// Counters since construction, readable at any time without a lock.
struct InProcessCounts {
  std::uint64_t to_device = 0;  ///< notifications
  std::uint64_t to_driver = 0;  ///< used buffer and configuration change notifications
};

/// Connects a driver and a device. If the doorbells have no function, both run on one thread, each as soon as
/// it is notified: the driver's calls then run within the transport function that the driver called. A
/// notification for a running receiver is served when the receiver returns, so neither is entered twice.
class InProcessTransport final : public Transport, public DriverNotifier {
 public:
  /// Chains served in one turn, so that register accesses are not delayed.
  static constexpr std::uint32_t kBudget = 16;

  /// The port must outlive the transport. An empty doorbell is not rung.
  InProcessTransport(Port& port, Doorbell to_device, Doorbell to_driver) noexcept
      : port_(port), to_device_(to_device), to_driver_(to_driver) {}
  InProcessTransport(const InProcessTransport&) = delete;
  InProcessTransport& operator=(const InProcessTransport&) = delete;

  /// Attaches the device. Called before any other function. The device uses this transport as its notifier
  /// and must outlive the transport's use.
  void attach(VirtioDevice& device) noexcept { device_ = &device; }

  /// Serves all kicked queues, and returns. Called by the device's thread, or by any thread: only one at a
  /// time serves.
  void run_device() noexcept;
  /// Delivers the device's notifications, and returns. Called by the driver's thread, or by any thread: only
  /// one at a time delivers.
  void run_driver() noexcept { news_.pass_on(); }

  /// Returns the counters. Any thread.
  InProcessCounts counts() const noexcept;

  /// Runs `work()` while no other thread uses the device, and returns the result. For calls of the host. Any
  /// thread, but not from within the device.
  template <class Work>
  auto with_device(Work work) noexcept {
    const Section section(*this);
    return work();
  }

  /// The functions of Transport; any thread.
  Features offered() noexcept override;
  void accept(Features features) noexcept override;
  std::uint8_t status() noexcept override;
  void set_status(std::uint8_t status) noexcept override;
  std::uint32_t config_generation() noexcept override;
  void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override;
  void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept override;
  std::uint16_t max_queue_size(std::uint16_t queue) noexcept override;
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept override;
  Status reset_queue(std::uint16_t queue) noexcept override;
  void notify(std::uint16_t queue) noexcept override;
  /// Must not be called from within a call, which would deadlock.
  void set_calls(DeviceCalls* calls) noexcept override;

  /// The functions of DriverNotifier; called by the device.
  void queue_used(std::uint16_t queue) noexcept override;
  void config_changed() noexcept override;

 private:
  // A section with exclusive use of the device. Notifications of the device are delivered at the end of the
  // section.
  class Section {
   public:
    explicit Section(InProcessTransport& transport) noexcept;
    ~Section();
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

   private:
    InProcessTransport& transport_;
  };

  bool serve_one(unsigned& turn) noexcept;
  void tell_driver(std::uint64_t news) noexcept;
  void ring_driver() noexcept;

  Port& port_;
  const Doorbell to_device_, to_driver_;
  VirtioDevice* device_ = nullptr;

  detail::SpinLock device_lock_;
  std::atomic<std::uintptr_t> inside_{0};  // the thread in the section, as Port::current()
  bool owed_ = false;                      // notify the driver at the end of the section

  std::atomic<std::uint64_t> kicks_{0};  // queues, as in PendingNotifications
  std::atomic<bool> device_runs_{false};
  detail::PendingNotifications news_;

  std::atomic<std::uint64_t> to_device_count_{0}, to_driver_count_{0};  // relaxed: the counters order nothing
};

}  // namespace fallow
