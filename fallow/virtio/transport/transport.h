// A driver's access to its device: registers and a doorbell (virtio 1.2, 4). For driver and device in one
// process see in_process_transport.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "fallow/base/status.h"
#include "fallow/virtio/features.h"
#include "fallow/virtio/ring/detail/queue_buffer.h"

namespace fallow {

/// A driver's reactions to its device. Both functions may be called by one thread at a time once the driver
/// asked for calls. If driver and device share a thread, they may also be called from within a call of the
/// transport. The driver must therefore hold no lock that these functions take during a call of the
/// transport.
class DeviceCalls {
 public:
  /// The device may have returned chains of this queue.
  virtual void queue_used(std::uint16_t queue) noexcept = 0;
  /// The device changed its configuration space.
  virtual void config_changed() noexcept = 0;

 protected:
  ~DeviceCalls() = default;
};

/// A transport. Called by any thread unless a function says otherwise. Only functions that say so can fail; a
/// register that a device fills with an invalid value returns that value.
class Transport {
 public:
  /// Returns the features that the device offers.
  virtual Features offered() noexcept = 0;
  /// Tells the device which features the driver accepts; before FEATURES_OK.
  virtual void accept(Features features) noexcept = 0;

  /// Returns the status: kStatus bits.
  virtual std::uint8_t status() noexcept = 0;
  /// Writes the status. Writing 0 resets the device; the reset is complete when status() reads 0 (2.4.2). The
  /// device then no longer touches any buffer in flight.
  virtual void set_status(std::uint8_t status) noexcept = 0;

  /// Returns a number that differs after each change of the configuration by the device (2.5).
  virtual std::uint32_t config_generation() noexcept = 0;
  /// Copy bytes of the configuration space, by accesses of each field's width where they cover the field.
  /// Bytes beyond the end read as 0; a write there has no effect.
  /// @{
  virtual void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept = 0;
  virtual void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept = 0;
  /// @}

  /// Returns the largest size of a queue, in entries; 0 if the queue does not exist.
  virtual std::uint16_t max_queue_size(std::uint16_t queue) noexcept = 0;
  /// Tells the device where a queue lies, and enables the queue. Returns Failed if the device rejects the
  /// queue.
  virtual Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept = 0;
  /// Resets a queue (2.6.1); only with kFeatureRingReset. After Ok the device no longer touches the queue.
  virtual Status reset_queue(std::uint16_t queue) noexcept = 0;

  /// Sends an available buffer notification (2.3). Any thread, also from within DeviceCalls.
  virtual void notify(std::uint16_t queue) noexcept = 0;

  /// Sets the receiver of calls. Null: none; no call is running when the function returns.
  virtual void set_calls(DeviceCalls* calls) noexcept = 0;

 protected:
  ~Transport() = default;
};

}  // namespace fallow
