// Driver and device in one process: shared memory between them, and a doorbell for each.
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

// Rung when run_device(), or run_driver(), has something to do. Must not block. It is rung outside all locks,
// and may call the function itself.
using Doorbell = Callback<void()>;

struct InProcessCounts {
  std::uint64_t to_device = 0;  // notifications
  std::uint64_t to_driver = 0;  // of used buffers and of configuration changes
};

// Doorbells without a function: driver and device run on one thread, each as soon as it is notified: the
// driver's calls then come from within whatever it called of the transport. A notification that comes while
// its receiver is running is served when that returns, so neither is entered twice.
class InProcessTransport final : public Transport, public DriverNotifier {
 public:
  // Chains served in one go, so that registers are not kept waiting.
  static constexpr std::uint32_t kBudget = 16;

  InProcessTransport(Port& port, Doorbell to_device, Doorbell to_driver) noexcept
      : port_(port), to_device_(to_device), to_driver_(to_driver) {}
  InProcessTransport(const InProcessTransport&) = delete;
  InProcessTransport& operator=(const InProcessTransport&) = delete;

  // Before anything else; the device is made with this transport as its notifier, and must outlive its use.
  void attach(VirtioDevice& device) noexcept { device_ = &device; }

  // Serves all queues that were kicked, and returns. The device's thread; or any, one gets to it.
  void run_device() noexcept;
  // Passes on what the device notified, and returns. The driver's thread; or any, one gets to it.
  void run_driver() noexcept { news_.pass_on(); }

  InProcessCounts counts() const noexcept;

  // Runs `work()` while nothing else touches the device, and returns what it returns: for what a host does to
  // it. Any thread, but not from within the device.
  template <class Work>
  auto with_device(Work work) noexcept {
    const Section section(*this);
    return work();
  }

  // Transport: from any thread.
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
  // Not from within a call: it would wait for itself.
  void set_calls(DeviceCalls* calls) noexcept override;

  // DriverNotifier: called by the device.
  void queue_used(std::uint16_t queue) noexcept override;
  void config_changed() noexcept override;

 private:
  // Has the device to itself. What the device tells the driver meanwhile is delivered when it ends.
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
  std::atomic<std::uintptr_t> inside_{0};  // whose section it is, as Port::current()
  bool owed_ = false;                      // the driver is to be told at the end of the section

  std::atomic<std::uint64_t> kicks_{0};  // of queues, as in DriverNews
  std::atomic<bool> device_runs_{false};
  detail::PendingNotifications news_;

  std::atomic<std::uint64_t> to_device_count_{0}, to_driver_count_{0};  // relaxed: counts order nothing
};

}  // namespace fallow
