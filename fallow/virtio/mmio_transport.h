// Virtio over MMIO, version 2 (virtio 1.2, 4.2), the driver's end.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "fallow/platform/port.h"
#include "fallow/platform/spin_lock.h"
#include "fallow/virtio/driver_news.h"
#include "fallow/virtio/interrupting_transport.h"
#include "fallow/virtio/registers.h"

namespace fallow {

class MmioTransport final : public InterruptingTransport {
 public:
  // Queues beyond are said not to be there.
  static constexpr std::uint16_t kMaxQueues = DriverNews::kQueueBits;

  // `window`: all registers, and the configuration behind them (512 bytes usually). The port and the
  // registers must outlive the transport, which is their only user.
  MmioTransport(Port& port, const RegisterWindow& window) noexcept : port_(port), at_(window) {}
  MmioTransport(const MmioTransport&) = delete;
  MmioTransport& operator=(const MmioTransport&) = delete;

  // InterruptingTransport. Of an empty slot nothing but the identification is touched.
  Unusable open() noexcept override;
  DeviceType type() const noexcept override { return type_; }
  std::uint8_t acknowledge() noexcept override;
  void deliver(std::uint8_t causes) noexcept override;

  // Transport.
  Features offered() noexcept override;
  void accept(Features features) noexcept override;
  std::uint8_t status() noexcept override;
  void set_status(std::uint8_t status) noexcept override;
  std::uint32_t config_generation() noexcept override;
  void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override;
  void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept override;
  std::uint16_t max_queue_size(std::uint16_t queue) noexcept override;
  // Failed also if the queue is ready already, or does not become so.
  Status start_queue(std::uint16_t queue, const QueueAddresses& addresses) noexcept override;
  // Waits a second at most.
  Status reset_queue(std::uint16_t queue) noexcept override;
  void notify(std::uint16_t queue) noexcept override;
  void set_calls(DeviceCalls* calls) noexcept override;

 private:
  Port& port_;
  const RegisterWindow at_;
  DeviceType type_ = kDeviceNone;
  SpinLock lock_;  // of registers that show what another one selects
  Features accepted_ = 0;
  std::atomic<std::uint32_t> started_{0};  // relaxed: a bit a queue; a call too many or too few does no harm
  DriverNews news_;
};

}  // namespace fallow
