// The driver's end of modern virtio over PCI (virtio 1.2, 4.1).
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "fallow/platform/port.h"
#include "fallow/virtio/transport/detail/interrupting_transport.h"
#include "fallow/virtio/transport/detail/pci_capabilities.h"
#include "fallow/virtio/transport/pci_function.h"
#include "fallow/virtio/transport/registers.h"

namespace fallow {

/// The write with which a function interrupts through MSI-X.
struct MsiMessage {
  std::uint64_t address = 0;  ///< physical address of the write
  std::uint32_t data = 0;     ///< the value written
};

/// Drives transitional devices as modern ones. open() enables memory accesses and bus mastering; the function
/// uses its INTx line until use_msix().
class PciTransport final : public detail::InterruptingTransport {
 public:
  /// Both arguments must outlive the transport, which is the function's only user.
  PciTransport(Port& port, PciFunction& function) noexcept
      : detail::InterruptingTransport(port), function_(function) {}
  PciTransport(const PciTransport&) = delete;
  PciTransport& operator=(const PciTransport&) = delete;

  /// Finds the registers and resets the device. Called once, before any other function. Returns
  /// detail::Unusable::No, or why the device cannot be used; then no other call may follow. Waits at most one
  /// second.
  detail::Unusable open() noexcept override;
  /// Called by the interrupt handler: returns the causes of the interrupt and deasserts the interrupt. 0:
  /// another device interrupted. One or two register accesses; no lock.
  std::uint8_t acknowledge() noexcept override;
  /// Makes the DeviceCalls for causes that acknowledge() returned, or'ed over any number of interrupts. Not
  /// for use in an interrupt handler. While another delivery runs, that delivery makes the calls.
  void deliver(std::uint8_t causes) noexcept override;

  /// Switches the device from its interrupt line to messages. Called once, after open() and before the driver
  /// is probed. The handlers call deliver() with kCauseConfig for `config` and kCauseQueues for `queues`, and
  /// never acknowledge(). A device with one vector sends `queues` for both, and deliver() handles that case.
  /// Returns NotFound if the device has no MSI-X; Failed if the table cannot be mapped or the device rejects
  /// the vectors. INTx then stays in use.
  Status use_msix(const MsiMessage& config, const MsiMessage& queues) noexcept;

  /// The functions of Transport. A device without the queue reset register does not offer the feature.
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
  /// Returns Failed also if the device does not confirm the size, the vectors or the enabled state, if the
  /// queue is already enabled, or if its notification address lies outside the notification structure.
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept override;
  /// Waits at most one second.
  Status reset_queue(std::uint16_t queue) noexcept override;

 private:
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  bool select(std::uint16_t queue) noexcept;
  void enable_msix(bool on) noexcept;
  bool map_vector(std::uint64_t field, std::uint16_t vector) noexcept;
  bool map_vectors() noexcept;
  std::uint32_t notify_offset() noexcept;

  PciFunction& function_;
  detail::PciStructures at_;

  bool msix_ = false;
  bool one_vector_ = false;

  // Relaxed: a thread that notifies learnt from the starter of the queue that it may. kNowhere: not started.
  std::atomic<std::uint32_t> notify_at_[kMaxQueues];
};

}  // namespace fallow
