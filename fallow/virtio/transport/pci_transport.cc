#include "fallow/virtio/transport/pci_transport.h"

#include "fallow/platform/detail/poll_timeout.h"

namespace fallow {

detail::Unusable PciTransport::open() noexcept {
  type_ = detail::pci_device_type(function_.config16(kPciVendor), function_.config16(kPciDevice));
  if (type_ == detail::kDeviceNone) return detail::Unusable::NotVirtio;
  const auto command = static_cast<std::uint16_t>(
      (function_.config16(kPciCommand) & ~(kPciCommandMaster | kPciCommandNoIntx)) | kPciCommandMemory);
  function_.set_config16(kPciCommand, command);
  const detail::Unusable why = detail::find_pci_structures(function_, at_);
  if (why != detail::Unusable::No) return why;
  if (at_.msix != 0) enable_msix(false);  // firmware may have left MSI-X enabled
  if (!reset()) return detail::Unusable::DoesNotReset;
  // Enabled only now: before the reset, the device might have used buffers of an earlier driver.
  function_.set_config16(kPciCommand, command | kPciCommandMaster);
  return detail::Unusable::No;
}

// ---- Interrupts. ----

std::uint8_t PciTransport::acknowledge() noexcept {
  return at_.isr.read<std::uint8_t>(0) & (detail::kCauseQueues | detail::kCauseConfig);
}

void PciTransport::deliver(std::uint8_t causes) noexcept {
  if (one_vector_ && causes != 0) causes = detail::kCauseQueues | detail::kCauseConfig;
  detail::InterruptingTransport::deliver(causes);
}

// ---- Registers. ----

Features PciTransport::offered() noexcept {
  const detail::SpinLock::Held held(lock_, port_);
  Features features = 0;
  for (std::uint32_t half = 0; half < 2; ++half) {
    at_.common.write(detail::kPciDeviceFeatureSelect, half);
    features |= Features{at_.common.read<std::uint32_t>(detail::kPciDeviceFeature)} << (32 * half);
  }
  const bool resets_queues = at_.common.holds(detail::kPciQueueReset, 2);
  return resets_queues ? features : features & ~kFeatureRingReset;
}

void PciTransport::accept(Features features) noexcept {
  const detail::SpinLock::Held held(lock_, port_);
  accepted_ = features;
  for (std::uint32_t half = 0; half < 2; ++half) {
    at_.common.write(detail::kPciDriverFeatureSelect, half);
    at_.common.write(detail::kPciDriverFeature, static_cast<std::uint32_t>(features >> (32 * half)));
  }
}

std::uint8_t PciTransport::status() noexcept {
  return at_.common.read<std::uint8_t>(detail::kPciDeviceStatus);
}

void PciTransport::set_status(std::uint8_t status) noexcept {
  if (status == 0) {
    const detail::SpinLock::Held held(lock_, port_);
    for (std::atomic<std::uint32_t>& at : notify_at_) at.store(kNowhere, std::memory_order_relaxed);
    forget();
  }
  at_.common.write(detail::kPciDeviceStatus, status);
}

std::uint32_t PciTransport::config_generation() noexcept {
  return at_.common.read<std::uint8_t>(detail::kPciConfigGeneration);
}

void PciTransport::read_config(std::uint32_t offset, std::span<std::byte> into) noexcept {
  at_.device.read_bytes(offset, into);
}

void PciTransport::write_config(std::uint32_t offset, std::span<const std::byte> from) noexcept {
  at_.device.write_bytes(offset, from);
}

// ---- Queues. ----

// Returns false if the queue does not exist.
bool PciTransport::select(std::uint16_t queue) noexcept {
  if (queue >= kMaxQueues || queue >= at_.common.read<std::uint16_t>(detail::kPciNumQueues)) return false;
  at_.common.write(detail::kPciQueueSelect, queue);
  return true;
}

std::uint16_t PciTransport::max_queue_size(std::uint16_t queue) noexcept {
  const detail::SpinLock::Held held(lock_, port_);
  return select(queue) ? at_.common.read<std::uint16_t>(detail::kPciQueueSize) : std::uint16_t{0};
}

Status PciTransport::start_queue(std::uint16_t queue, const detail::QueueAddresses& addresses) noexcept {
  const detail::SpinLock::Held held(lock_, port_);
  const RegisterWindow& common = at_.common;
  if (!select(queue) || common.read<std::uint16_t>(detail::kPciQueueEnable) != 0) return Status::Failed;
  if (addresses.size == 0 || addresses.size > common.read<std::uint16_t>(detail::kPciQueueSize))
    return Status::Failed;
  common.write(detail::kPciQueueSize, addresses.size);
  if (common.read<std::uint16_t>(detail::kPciQueueSize) != addresses.size) return Status::Failed;
  common.write64(detail::kPciQueueDesc, addresses.descriptors.raw);
  common.write64(detail::kPciQueueDriver, addresses.driver_area.raw);
  common.write64(detail::kPciQueueDevice, addresses.device_area.raw);
  const std::uint32_t notify_at = notify_offset();
  if (notify_at == kNowhere || (msix_ && !map_vectors())) return Status::Failed;
  common.write(detail::kPciQueueEnable, std::uint16_t{1});
  if (common.read<std::uint16_t>(detail::kPciQueueEnable) != 1) return Status::Failed;
  notify_at_[queue].store(notify_at, std::memory_order_relaxed);
  started_.fetch_or(std::uint32_t{1} << queue, std::memory_order_relaxed);
  return Status::Ok;
}

// Returns the notification address of the selected queue (4.1.4.4).
std::uint32_t PciTransport::notify_offset() noexcept {
  const std::uint64_t offset =
      std::uint64_t{at_.common.read<std::uint16_t>(detail::kPciQueueNotifyOff)} * at_.notify_multiplier;
  return offset % 2 == 0 && at_.notify.holds(offset, 2) ? static_cast<std::uint32_t>(offset) : kNowhere;
}

Status PciTransport::reset_queue(std::uint16_t queue) noexcept {
  const auto look = [&](std::uint64_t field) {
    const detail::SpinLock::Held held(lock_, port_);
    at_.common.write(detail::kPciQueueSelect, queue);
    return at_.common.read<std::uint16_t>(field);
  };
  {
    const detail::SpinLock::Held held(lock_, port_);
    if ((accepted_ & kFeatureRingReset) == 0 || !select(queue)) return Status::Failed;
    notify_at_[queue].store(kNowhere, std::memory_order_relaxed);
    started_.fetch_and(~(std::uint32_t{1} << queue), std::memory_order_relaxed);
    at_.common.write(detail::kPciQueueReset, std::uint16_t{1});
  }
  detail::PollTimeout patience(port_);
  while (look(detail::kPciQueueReset) != 0) {
    if (!patience.wait()) return Status::Failed;
  }
  return look(detail::kPciQueueEnable) == 0 ? Status::Ok : Status::Failed;
}

void PciTransport::notify(std::uint16_t queue) noexcept {
  if (queue >= kMaxQueues) return;
  const std::uint32_t at = notify_at_[queue].load(std::memory_order_relaxed);
  if (at != kNowhere) at_.notify.write(at, queue);
}

}  // namespace fallow
