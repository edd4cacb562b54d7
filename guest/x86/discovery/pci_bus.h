// The PCI bus, by the configuration ports that every PC has.
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

// One function of a device; its BARs are mapped as they are asked for.
class PciAddressFunction final : public PciFunction {
 public:
  PciAddressFunction(PciAddress place, Paging& paging) noexcept : place_(place), paging_(paging) {}

  std::uint8_t config8(std::uint8_t offset) noexcept override;
  std::uint16_t config16(std::uint8_t offset) noexcept override;
  std::uint32_t config32(std::uint8_t offset) noexcept override;
  void set_config16(std::uint8_t offset, std::uint16_t value) noexcept override;
  void set_config32(std::uint8_t offset, std::uint32_t value) noexcept override;
  PciMapping map(std::uint8_t bar, std::uint64_t offset, std::uint64_t length) noexcept override;

  // Where it interrupts, as the firmware left it (Interrupt Line); 255: nowhere.
  std::uint8_t line() noexcept;

 private:
  void select(std::uint8_t offset) noexcept;

  PciAddress place_;
  Paging& paging_;
  MappedRegisters bars_[kPciBars];
};

// Whether there are configuration ports at all.
bool has_pci() noexcept;

// The first virtio function of that type on bus 0 and behind bridges. False: none.
bool find_virtio_function(Paging& paging, detail::DeviceType type, PciAddress* place) noexcept;

}  // namespace fallow::guest::x86
