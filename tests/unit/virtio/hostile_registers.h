// A balloon behind registers that hold invalid values, over each transport.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/register_guest.h"

namespace fallow::detail {

struct MmioKind {
  using Guest = MmioGuest;
  using Driver = MmioTransport;
  static constexpr const char* kName = "Mmio";
  static constexpr std::uint64_t kStatus = 0x070, kQueueSize = 0x034, kQueueEnable = 0x044,
                                 kQueueReset = 0x0c0, kGeneration = 0x0fc;
  static constexpr std::uint32_t kStuckStatus[] = {1, 0x100, 0xffff'ff00};  // the register has 32 bits
};

struct PciKind {
  using Guest = PciGuest;
  using Driver = PciTransport;
  static constexpr const char* kName = "Pci";
  static constexpr std::uint64_t kStatus = kPciDeviceStatus, kQueueSize = kPciQueueSize,
                                 kQueueEnable = kPciQueueEnable, kQueueReset = kPciQueueReset,
                                 kGeneration = kPciConfigGeneration;
  static constexpr std::uint32_t kStuckStatus[] = {kStatusAcknowledge};
};

using TransportKinds = testing::Types<MmioKind, PciKind>;

struct TransportKindName {
  template <class Kind>
  static std::string GetName(int) {
    return Kind::kName;
  }
};

template <class Kind>
class HostileRegisters : public testing::Test {
 public:
  HostileRegisters() { EXPECT_EQ(guest.transport->open(), Unusable::No); }
  // The register `field` reads as `value`.
  void lie(std::uint64_t field, std::uint32_t value) {
    guest.model->lie = [=](std::uint64_t at) { return at == field ? std::optional(value) : std::nullopt; };
  }
  Status probe() { return pair.driver.probe(); }

  typename Kind::Guest guest{everything(kRingFeatures)};
  BalloonPair& pair = *guest.pair;
};

}  // namespace fallow::detail
