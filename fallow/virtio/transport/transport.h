// What a driver knows of the way to its device: registers and a doorbell (virtio 1.2, 4). In one process:
// in_process_transport.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/features.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"

namespace fallow {

// What a driver does when its device calls. Both may be called at any time once the driver asked for it, by
// one thread at a time; where driver and device share a thread, from within a call of the transport too: so
// no lock that they take may be held during one.
class DeviceCalls {
 public:
  virtual void queue_used(std::uint16_t queue) noexcept = 0;
  virtual void config_changed() noexcept = 0;

 protected:
  ~DeviceCalls() = default;
};

// Any thread, unless it says otherwise. Nothing here can fail but what says so: a register that a device
// fills with nonsense reads as nonsense.
class Transport {
 public:
  virtual Features offered() noexcept = 0;
  virtual void accept(Features features) noexcept = 0;

  virtual std::uint8_t status() noexcept = 0;
  // Writing 0 resets; done when status() reads 0 (2.4.2). Nothing in flight is touched by the device after
  // that.
  virtual void set_status(std::uint8_t status) noexcept = 0;

  virtual std::uint32_t config_generation() noexcept = 0;
  virtual void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept = 0;
  virtual void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept = 0;

  // 0: there is no such queue.
  virtual std::uint16_t max_queue_size(std::uint16_t queue) noexcept = 0;
  // Failed: the device does not take it.
  virtual Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept = 0;
  // 2.6.1, with kFeatureRingReset only. When it returns Ok the device will not touch the queue any more.
  virtual Status reset_queue(std::uint16_t queue) noexcept = 0;

  // Available buffer notification (2.3). From any thread, also from within DeviceCalls.
  virtual void notify(std::uint16_t queue) noexcept = 0;

  // Whom to call; null: nobody, and when that returns no call is under way.
  virtual void set_calls(DeviceCalls* calls) noexcept = 0;

 protected:
  ~Transport() = default;
};

}  // namespace fallow
