// Modern virtio over PCI (virtio 1.2, 4.1), the driver's end.
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

// The write by which a function interrupts with MSI-X.
struct MsiMessage {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
};

// Transitional devices are driven as modern ones. open() enables memory accesses and bus mastering; until
// use_msix() the function interrupts by its INTx line.
class PciTransport final : public detail::InterruptingTransport {
 public:
  // Both must outlive the transport, which is the function's only user.
  PciTransport(Port& port, PciFunction& function) noexcept
      : detail::InterruptingTransport(port), function_(function) {}
  PciTransport(const PciTransport&) = delete;
  PciTransport& operator=(const PciTransport&) = delete;

  // InterruptingTransport.
  detail::Unusable open() noexcept override;
  std::uint8_t acknowledge() noexcept override;
  void deliver(std::uint8_t causes) noexcept override;

  // Lets the device interrupt by messages instead of its line: after open(), before its driver is probed;
  // once. The handlers call deliver() with kCauseConfig for `config` and kCauseQueues for `queues`, and never
  // acknowledge(). A device with one vector sends `queues` for both, which deliver() knows. NotFound: it has
  // no MSI-X. Failed: its table cannot be mapped, or it does not take the vectors. Then INTx goes on.
  Status use_msix(const MsiMessage& config, const MsiMessage& queues) noexcept;
  bool uses_msix() const noexcept { return msix_; }

  // Transport. A device without registers for it does not offer to reset a queue.
  Features offered() noexcept override;
  void accept(Features features) noexcept override;
  std::uint8_t status() noexcept override;
  void set_status(std::uint8_t status) noexcept override;
  std::uint32_t config_generation() noexcept override;
  void read_config(std::uint32_t offset, std::span<std::byte> into) noexcept override;
  void write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept override;
  std::uint16_t max_queue_size(std::uint16_t queue) noexcept override;
  // Failed also if the device does not confirm the size, its vectors, or that the queue is enabled, if the
  // queue is enabled already, or if its notifications are to go outside the structure that they are to go to.
  Status start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept override;
  // Waits a second at most.
  Status reset_queue(std::uint16_t queue) noexcept override;
  void notify(std::uint16_t queue) noexcept override;

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

  // Relaxed: who notifies learnt from who started the queue that it may. kNowhere: not started.
  std::atomic<std::uint32_t> notify_at_[kMaxQueues];
};

}  // namespace fallow
