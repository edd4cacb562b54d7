// MSI-X messages instead of an interrupt line (PCI 3.0, 6.8.2; virtio 1.2, 4.1.5.1.2).
#include "fallow/virtio/transport/pci_transport.h"

namespace fallow {
namespace {

constexpr unsigned kControl = 2, kTable = 4;  // offsets in the capability
constexpr std::uint16_t kEnable = 1 << 15, kMaskAll = 1 << 14, kLastEntry = 0x7ff;
constexpr std::uint32_t kTableBar = 7;

// The offsets of the fields of a table entry.
constexpr std::uint64_t kEntrySize = 16, kAddress = 0, kData = 8, kMask = 12;

// The table entries in use; with one vector the first serves both.
constexpr std::uint16_t kConfigEntry = 0, kQueuesEntry = 1;

void write_entry(const RegisterWindow& table, std::uint16_t entry, const MsiMessage& message) noexcept {
  const std::uint64_t at = entry * kEntrySize;
  table.write64(at + kAddress, message.address);
  table.write(at + kData, message.data);
  table.write(at + kMask, std::uint32_t{0});
}

}  // namespace

// When enabled, all vectors are masked.
void PciTransport::enable_msix(bool on) noexcept {
  const auto at = static_cast<std::uint8_t>(at_.msix + kControl);
  const unsigned control = function_.config16(at) & ~unsigned{kEnable | kMaskAll};
  function_.set_config16(at, static_cast<std::uint16_t>(on ? control | kEnable | kMaskAll : control));
}

Status PciTransport::use_msix(const MsiMessage& config, const MsiMessage& queues) noexcept {
  if (at_.msix == 0) return Status::NotFound;
  const auto control_at = static_cast<std::uint8_t>(at_.msix + kControl);
  const std::uint16_t last = function_.config16(control_at) & kLastEntry;
  const std::uint32_t place = function_.config32(static_cast<std::uint8_t>(at_.msix + kTable));
  if ((place & kTableBar) >= kPciBars) return Status::Failed;
  one_vector_ = last < kQueuesEntry;
  const PciMapping table = function_.map(static_cast<std::uint8_t>(place & kTableBar), place & ~kTableBar,
                                         one_vector_ ? kEntrySize : 2 * kEntrySize);
  if (table.status != PciMapStatus::Ok) return Status::Failed;

  enable_msix(true);
  write_entry(table.window, kConfigEntry, one_vector_ ? queues : config);
  if (!one_vector_) write_entry(table.window, kQueuesEntry, queues);
  function_.set_config16(control_at, static_cast<std::uint16_t>(function_.config16(control_at) & ~kMaskAll));

  // A reset unmaps the vectors, so they are mapped again after each reset. They are tried here, while another
  // way to interrupt exists.
  const detail::SpinLock::Held held(lock_, port_);
  msix_ = !select(0) || map_vectors();
  if (msix_) return Status::Ok;
  one_vector_ = false;
  enable_msix(false);
  return Status::Failed;
}

// Sets the vectors of configuration changes and of the selected queue. Returns false if the device rejects
// them.
bool PciTransport::map_vectors() noexcept {
  return map_vector(detail::kPciConfigMsixVector, kConfigEntry) &&
         map_vector(detail::kPciQueueMsixVector, one_vector_ ? kConfigEntry : kQueuesEntry);
}

bool PciTransport::map_vector(std::uint64_t field, std::uint16_t vector) noexcept {
  at_.common.write(field, vector);
  return at_.common.read<std::uint16_t>(field) == vector;
}

}  // namespace fallow
