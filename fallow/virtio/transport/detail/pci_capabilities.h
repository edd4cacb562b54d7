// Where a modern virtio function keeps its registers: the capabilities in its configuration space
// (virtio 1.2, 4.1.4). All of it is the device's word, which may be any.
#pragma once

#include <cstdint>

#include "fallow/virtio/transport/detail/interrupting_transport.h"
#include "fallow/virtio/transport/pci_function.h"
#include "fallow/virtio/transport/registers.h"

namespace fallow::detail {

// The common configuration structure (4.1.4.3): offsets of its fields.
inline constexpr std::uint64_t kPciDeviceFeatureSelect = 0, kPciDeviceFeature = 4,
                               kPciDriverFeatureSelect = 8, kPciDriverFeature = 12, kPciConfigMsixVector = 16,
                               kPciNumQueues = 18, kPciDeviceStatus = 20, kPciConfigGeneration = 21,
                               kPciQueueSelect = 22, kPciQueueSize = 24, kPciQueueMsixVector = 26,
                               kPciQueueEnable = 28, kPciQueueNotifyOff = 30, kPciQueueDesc = 32,
                               kPciQueueDriver = 40, kPciQueueDevice = 48, kPciQueueNotifyData = 56,
                               kPciQueueReset = 58;
// Without and with the fields that only some features need.
inline constexpr std::uint64_t kPciCommonSize = 56, kPciCommonSizeWithReset = 60;

inline constexpr std::uint16_t kPciNoVector = 0xffff;

// The structures that are used: of each type the first that can be.
struct PciStructures {
  RegisterWindow common, notify, isr;
  RegisterWindow device;  // of nothing: it has no configuration
  std::uint32_t notify_multiplier = 0;
  std::uint8_t msix = 0;  // where its capability is; 0: it has none
};

// Reads the capability list, at most once each of the 48 places that it has room for, and maps what it finds.
// A list that loops, or leaves its room, ends there.
Unusable find_pci_structures(PciFunction& function, PciStructures& found) noexcept;

}  // namespace fallow::detail
