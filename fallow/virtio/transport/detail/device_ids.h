// Virtio device types (virtio 1.2, 5), and the PCI identifiers that stand for them (4.1.2).
#pragma once

#include <cstdint>

namespace fallow::detail {

// 0 means no device.
using DeviceType = std::uint32_t;
inline constexpr DeviceType kDeviceNone = 0, kDeviceNetwork = 1, kDeviceBlock = 2, kDeviceConsole = 3,
                            kDeviceEntropy = 4, kDeviceBalloon = 5, kDeviceScsi = 8, kDevice9p = 9;

inline constexpr std::uint16_t kPciVendorVirtio = 0x1af4;

// Returns the device type of a PCI function with these identifiers, transitional or not; kDeviceNone if the
// function is not a virtio device.
constexpr DeviceType pci_device_type(std::uint16_t vendor, std::uint16_t device) noexcept {
  if (vendor != kPciVendorVirtio) return kDeviceNone;
  if (device > 0x1040 && device <= 0x107f) return device - DeviceType{0x1040};
  constexpr DeviceType kTransitional[] = {kDeviceNetwork, kDeviceBlock,   kDeviceBalloon, kDeviceConsole,
                                          kDeviceScsi,    kDeviceEntropy, kDeviceNone,    kDeviceNone,
                                          kDeviceNone,    kDevice9p};
  return device >= 0x1000 && device <= 0x1009 ? kTransitional[device - 0x1000] : kDeviceNone;
}

}  // namespace fallow::detail
