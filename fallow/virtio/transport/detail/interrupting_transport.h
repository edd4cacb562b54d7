// A transport whose device interrupts: what a kernel does with it, and why there may be none.
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

// Why a device cannot be used, or that it can.
enum class Unusable : std::uint8_t {
  No,
  NotVirtio,       // another vendor's, or no magic value
  Empty,           // a slot without a device; nothing to complain of
  Legacy,          // of before virtio 1.0
  UnknownVersion,  // of virtio-mmio
  NoCommonConfig,  // not among the capabilities, as the following two
  NoNotifications,
  NoInterruptStatus,
  BadCapability,   // what is missing is there, but its capability breaks a rule
  InIoSpace,       // but in I/O ports
  BeyondBar,       // but not wholly inside its BAR
  NotMapped,       // but the kernel could not map it
  WindowTooSmall,  // of virtio-mmio
  DoesNotReset,    // its status does not go back to 0
};

// A sentence for people; never null.
const char* describe(Unusable why) noexcept;

// Causes of an interrupt: the bits of the ISR status (4.1.4.5) and of InterruptStatus (4.2.2).
inline constexpr std::uint8_t kCauseQueues = 1, kCauseConfig = 2;

class InterruptingTransport : public Transport {
 public:
  // Queues beyond are said not to be there.
  static constexpr std::uint16_t kMaxQueues = PendingNotifications::kQueueBits;

  // Finds the device's registers and resets it. Once, before anything else; and if it cannot be used nothing
  // else may follow. Waits a second for a device that does not reset.
  virtual Unusable open() noexcept = 0;
  // After open().
  DeviceType type() const noexcept { return type_; }

  // The interrupt's handler: why the device interrupted, and it stops doing so. 0: it was not this device.
  // One or two register accesses; no lock.
  virtual std::uint8_t acknowledge() noexcept = 0;

  // Makes the DeviceCalls for these causes, those of several interrupts or'ed: queue_used() for every queue
  // that is started, config_changed(). Not in a handler. While another thread, or this one further up its
  // stack, is delivering, that one makes the calls and this returns at once.
  virtual void deliver(std::uint8_t causes) noexcept;
  void set_calls(DeviceCalls* calls) noexcept final;

 protected:
  explicit InterruptingTransport(Port& port) noexcept : port_(port) {}
  ~InterruptingTransport() = default;

  // 2.4.2, bounded: false if the status does not go back to 0.
  bool reset() noexcept;
  // What was set up, and told, before a reset is not there any more. With the lock held.
  void forget() noexcept;

  Port& port_;
  DeviceType type_ = kDeviceNone;
  SpinLock lock_;  // of registers that show what another one selects
  Features accepted_ = 0;
  std::atomic<std::uint32_t> started_{0};  // relaxed: a bit a queue; a call too many or too few does no harm

 private:
  PendingNotifications news_;
};

}  // namespace fallow::detail
