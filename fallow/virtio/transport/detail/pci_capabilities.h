// Finds the registers of a modern virtio function through the capabilities in its configuration space (virtio
// 1.2, 4.1.4). The device controls all of these values, so none is trusted.
#pragma once

#include <cstdint>

#include "fallow/virtio/transport/detail/interrupting_transport.h"
#include "fallow/virtio/transport/pci_function.h"
#include "fallow/virtio/transport/registers.h"

namespace fallow::detail {

// Offsets of the fields of the common configuration structure (4.1.4.3).
inline constexpr std::uint64_t kPciDeviceFeatureSelect = 0, kPciDeviceFeature = 4,
                               kPciDriverFeatureSelect = 8, kPciDriverFeature = 12, kPciConfigMsixVector = 16,
                               kPciNumQueues = 18, kPciDeviceStatus = 20, kPciConfigGeneration = 21,
                               kPciQueueSelect = 22, kPciQueueSize = 24, kPciQueueMsixVector = 26,
                               kPciQueueEnable = 28, kPciQueueNotifyOff = 30, kPciQueueDesc = 32,
                               kPciQueueDriver = 40, kPciQueueDevice = 48, kPciQueueNotifyData = 56,
                               kPciQueueReset = 58;
// The length without and with the fields that only some features need.
inline constexpr std::uint64_t kPciCommonSize = 56, kPciCommonSizeWithReset = 60;

inline constexpr std::uint16_t kPciNoVector = 0xffff;

// The structures in use: the first usable one of each type.
struct PciStructures {
  RegisterWindow common, notify, isr;
  RegisterWindow device;  // empty if the device has no configuration
  std::uint32_t notify_multiplier = 0;
  std::uint8_t msix = 0;  // offset of the MSI-X capability; 0: none
};

// Reads the capability list and maps the structures. The list has room for 48 capabilities; each is read at
// most once. A list that loops or leaves its room ends there.
Unusable find_pci_structures(PciFunction& function, PciStructures& found) noexcept;

}  // namespace fallow::detail
