// A transport whose device interrupts: the kernel's interface, and the reasons why a device cannot be used.
//
//   interrupt -> handler: causes |= acknowledge()        loop: deliver(causes) -> DeviceCalls
#pragma once

#include <atomic>
#include <cstdint>

#include "fallow/platform/detail/spin_lock.h"
#include "fallow/platform/port.h"
#include "fallow/virtio/transport/detail/device_ids.h"
#include "fallow/virtio/transport/detail/pending_notifications.h"
#include "fallow/virtio/transport/transport.h"

namespace fallow::detail {

// Why a device cannot be used; No if the device can be used.
enum class Unusable : std::uint8_t {
  No,
  NotVirtio,       // another vendor, or no magic value
  Empty,           // a slot without a device; not an error
  Legacy,          // older than virtio 1.0
  UnknownVersion,  // version of virtio-mmio
  NoCommonConfig,  // missing among the capabilities, as the next two
  NoNotifications,
  NoInterruptStatus,
  BadCapability,   // the structure exists, but its capability is malformed
  InIoSpace,       // the structure is in I/O ports
  BeyondBar,       // the structure is not wholly inside its BAR
  NotMapped,       // the kernel could not map the structure
  WindowTooSmall,  // register window of virtio-mmio
  DoesNotReset,    // the status does not return to 0
};

// Returns a sentence for people; never null.
const char* describe(Unusable why) noexcept;

// Causes of an interrupt: the bits of the ISR status (4.1.4.5) and of InterruptStatus (4.2.2).
inline constexpr std::uint8_t kCauseQueues = 1, kCauseConfig = 2;

class InterruptingTransport : public Transport {
 public:
  // Queues beyond this number are reported as missing.
  static constexpr std::uint16_t kMaxQueues = PendingNotifications::kQueueBits;

  // Finds the device's registers and resets the device. Called once, before any other function; if the device
  // cannot be used, no other call may follow. Waits up to a second for the reset.
  virtual Unusable open() noexcept = 0;
  // Valid after open().
  DeviceType type() const noexcept { return type_; }

  // Called by the interrupt handler: returns the causes of the interrupt and deasserts the interrupt. 0:
  // another device interrupted. One or two register accesses; no lock.
  virtual std::uint8_t acknowledge() noexcept = 0;

  // Makes the DeviceCalls for these causes, which may be or'ed over several interrupts: queue_used() for each
  // started queue, and config_changed(). Not for use in an interrupt handler. While another delivery runs, on
  // another thread or further up the stack, that delivery makes the calls and this call returns at once.
  virtual void deliver(std::uint8_t causes) noexcept;
  void set_calls(DeviceCalls* calls) noexcept final;

 protected:
  explicit InterruptingTransport(Port& port) noexcept : port_(port) {}
  ~InterruptingTransport() = default;

  // Bounded wait of 2.4.2: returns false if the status does not return to 0.
  bool reset() noexcept;
  // Discards the queues and notifications from before a reset. Called with the lock held.
  void forget() noexcept;

  Port& port_;
  DeviceType type_ = kDeviceNone;
  SpinLock lock_;  // guards registers that depend on a selector register
  Features accepted_ = 0;
  // relaxed: one bit per queue; a superfluous or missing call does no harm
  std::atomic<std::uint32_t> started_{0};

 private:
  PendingNotifications news_;
};

}  // namespace fallow::detail
