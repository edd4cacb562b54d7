// Virtio over MMIO, version 2 (virtio 1.2, 4.2), the driver's end.
#pragma once

#include <cstdint>
#include <span>

#include "fallow/platform/port.h"
#include "fallow/virtio/transport/detail/interrupting_transport.h"
#include "fallow/virtio/transport/registers.h"

namespace fallow {

class MmioTransport final : public detail::InterruptingTransport {
 public:
  // `window`: all registers, and the configuration behind them (512 bytes usually). The port and the
  // registers must outlive the transport, which is their only user.
  MmioTransport(Port& port, const RegisterWindow& window) noexcept
      : detail::InterruptingTransport(port), at_(window) {}
  MmioTransport(const MmioTransport&) = delete;
  MmioTransport& operator=(const MmioTransport&) = delete;

  // InterruptingTransport. Of an empty slot nothing but the identification is touched.
  detail::Unusable open() noexcept override;
  std::uint8_t acknowledge() noexcept override;

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
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept override;
  // Waits a second at most.
  Status reset_queue(std::uint16_t queue) noexcept override;
  void notify(std::uint16_t queue) noexcept override;

 private:
  const RegisterWindow at_;
};

}  // namespace fallow
