// The driver's end of virtio over MMIO, version 2 (virtio 1.2, 4.2).
#pragma once

#include <cstdint>
#include <span>

#include "fallow/platform/port.h"
#include "fallow/virtio/transport/detail/interrupting_transport.h"
#include "fallow/virtio/transport/registers.h"

namespace fallow {

/// Drives a device behind a register window. Legacy devices (version 1) are refused by open().
class MmioTransport final : public detail::InterruptingTransport {
 public:
  /// `window` covers all registers and the configuration behind them (usually 512 bytes). The port and the
  /// registers must outlive the transport, which is their only user.
  MmioTransport(Port& port, const RegisterWindow& window) noexcept
      : detail::InterruptingTransport(port), at_(window) {}
  MmioTransport(const MmioTransport&) = delete;
  MmioTransport& operator=(const MmioTransport&) = delete;

  /// Finds the registers and resets the device. Called once, before any other function. Returns
  /// detail::Unusable::No, or why the device cannot be used; then no other call may follow. Waits at most one
  /// second. In an empty slot only the identification registers are read.
  detail::Unusable open() noexcept override;
  /// Called by the interrupt handler: returns the causes of the interrupt and deasserts the interrupt. 0:
  /// another device interrupted. One or two register accesses; no lock.
  std::uint8_t acknowledge() noexcept override;

  /// The functions of Transport.
  /// @{
  Features offered() noexcept override;
  void accept(Features features) noexcept override;
  std::uint8_t status() noexcept override;
  void set_status(std::uint8_t status) noexcept override;
  std::uint32_t config_generation() noexcept override;
  void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override;
  void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept override;
  std::uint16_t max_queue_size(std::uint16_t queue) noexcept override;
  void notify(std::uint16_t queue) noexcept override;
  /// @}
  /// Returns Failed also if the queue is already ready or does not become ready.
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept override;
  /// Waits at most one second.
  Status reset_queue(std::uint16_t queue) noexcept override;

 private:
  const RegisterWindow at_;
};

}  // namespace fallow
