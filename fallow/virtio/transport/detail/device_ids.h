// Which device it is: virtio device types (virtio 1.2, 5), and how a PCI function says its own (4.1.2).
#pragma once

#include <cstdint>

namespace fallow::detail {

// 0 is no device.
using DeviceType = std::uint32_t;
inline constexpr DeviceType kDeviceNone = 0, kDeviceNetwork = 1, kDeviceBlock = 2, kDeviceConsole = 3,
                            kDeviceEntropy = 4, kDeviceBalloon = 5, kDeviceScsi = 8, kDevice9p = 9;

inline constexpr std::uint16_t kPciVendorVirtio = 0x1af4;

// What a PCI function with these identifiers is, transitional or not; kDeviceNone if it is none of virtio's.
constexpr DeviceType pci_device_type(std::uint16_t vendor, std::uint16_t device) noexcept {
  if (vendor != kPciVendorVirtio) return kDeviceNone;
  if (device > 0x1040 && device <= 0x107f) return device - DeviceType{0x1040};
  constexpr DeviceType kTransitional[] = {kDeviceNetwork, kDeviceBlock,   kDeviceBalloon, kDeviceConsole,
                                          kDeviceScsi,    kDeviceEntropy, kDeviceNone,    kDeviceNone,
                                          kDeviceNone,    kDevice9p};
  return device >= 0x1000 && device <= 0x1009 ? kTransitional[device - 0x1000] : kDeviceNone;
}

}  // namespace fallow::detail
