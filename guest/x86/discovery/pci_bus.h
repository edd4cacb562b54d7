// Access to the PCI bus through the configuration ports 0xcf8 and 0xcfc.
#pragma once

#include <cstdint>

#include "fallow/virtio/transport/detail/device_ids.h"
#include "fallow/virtio/transport/pci_function.h"
#include "fallow/virtio/transport/registers.h"
#include "guest/x86/paging.h"

namespace fallow::guest::x86 {

struct PciAddress {
  std::uint8_t bus = 0, device = 0, function = 0;
};

// One PCI function. Its BARs are mapped on demand.
class PciAddressFunction final : public PciFunction {
 public:
  PciAddressFunction(PciAddress address, Paging& paging) noexcept : address_(address), paging_(paging) {}

  std::uint8_t config8(std::uint8_t offset) noexcept override;
  std::uint16_t config16(std::uint8_t offset) noexcept override;
  std::uint32_t config32(std::uint8_t offset) noexcept override;
  void set_config16(std::uint8_t offset, std::uint16_t value) noexcept override;
  void set_config32(std::uint8_t offset, std::uint32_t value) noexcept override;
  PciMapping map(std::uint8_t bar, std::uint64_t offset, std::uint64_t length) noexcept override;

  // The interrupt line that the firmware configured (Interrupt Line), or 255 if none.
  std::uint8_t line() noexcept;

 private:
  void select(std::uint8_t offset) noexcept;

  PciAddress address_;
  Paging& paging_;
  MappedRegisters bars_[kPciBars];
};

// True if the machine has the configuration ports.
bool has_pci() noexcept;

// Finds the first virtio function of that type on bus 0 or behind bridges. Returns false if none exists.
bool find_virtio_function(Paging& paging, detail::DeviceType type, PciAddress* address) noexcept;

}  // namespace fallow::guest::x86
