#include "fallow/virtio/transport/detail/pci_capabilities.h"

namespace fallow::detail {
namespace {

// The capability list in configuration space.
constexpr unsigned kConfigSize = 256, kFirstPlace = 0x40, kPlaces = (kConfigSize - kFirstPlace) / 4;
constexpr std::uint8_t kIdVendor = 0x09, kIdMsix = 0x11;
constexpr unsigned kMsixLength = 12;

// Offsets in struct virtio_pci_cap and struct virtio_pci_notify_cap (4.1.4, 4.1.4.4).
constexpr unsigned kNext = 1, kLength = 2, kType = 3, kBar = 4, kOffset = 8, kStructureLength = 12,
                   kMultiplier = 16;
constexpr unsigned kCapLength = 16, kNotifyCapLength = 20;

enum Type : std::uint8_t { kCommon = 1, kNotify = 2, kIsr = 3, kDevice = 4, kTypes };

// The requirements on a structure, and the number of bytes that are used.
struct Rule {
  unsigned capability;
  std::uint32_t alignment, least;
  std::uint64_t most;
};
constexpr Rule kRules[kTypes] = {{},
                                 {kCapLength, 4, kPciCommonSize, kPciCommonSizeWithReset},
                                 {kNotifyCapLength, 2, 2, 0},  // up to the end that the multiplier implies
                                 {kCapLength, 1, 1, 1},
                                 {kCapLength, 4, 1, 4096}};

Unusable reason(PciMapStatus status) noexcept {
  switch (status) {
    case PciMapStatus::IoSpace:
      return Unusable::InIoSpace;
    case PciMapStatus::NoSuchBar:
    case PciMapStatus::BeyondEnd:
      return Unusable::BeyondBar;
    default:
      return Unusable::NotMapped;
  }
}

class Finder {
 public:
  Finder(PciFunction& function, PciStructures& found) noexcept : function_(function), found_(found) {}

  Unusable find() noexcept {
    if ((function_.config16(kPciStatus) & kPciStatusCapabilities) != 0) walk();
    if (!any_) return Unusable::Legacy;  // 4.1.5.1.1
    for (const Type type : {kCommon, kNotify, kIsr}) {
      if (window(type).size() == 0) return why_not_[type];
    }
    return Unusable::No;
  }

 private:
  void walk() noexcept {
    unsigned at = function_.config8(kPciFirstCapability) & ~3U;
    for (unsigned left = kPlaces; left > 0 && at >= kFirstPlace; --left) {
      const std::uint8_t id = byte(at);
      if (id == kIdVendor) look_at(at);
      if (id == kIdMsix && found_.msix == 0 && at + kMsixLength <= kConfigSize)
        found_.msix = static_cast<std::uint8_t>(at);
      at = byte(at + kNext) & ~3U;
    }
  }

  void look_at(unsigned at) noexcept {
    const std::uint8_t raw = byte(at + kType);
    if (raw == 0 || raw >= kTypes) return;
    const auto type = static_cast<Type>(raw);
    any_ = true;
    if (window(type).size() != 0) return;
    const Unusable why = use(at, type);
    if (!refused_[type] && why != Unusable::No) {
      refused_[type] = true;
      why_not_[type] = why;
    }
  }

  // Returns No if the structure is used or is to be ignored (4.1.4.1).
  Unusable use(unsigned at, Type type) noexcept {
    const Rule& rule = kRules[type];
    if (at + rule.capability > kConfigSize || byte(at + kLength) < rule.capability)
      return Unusable::BadCapability;
    const std::uint8_t bar = byte(at + kBar);
    if (bar >= kPciBars) return Unusable::No;
    const std::uint32_t offset = word(at + kOffset), length = word(at + kStructureLength);
    if (offset % rule.alignment != 0 || length < rule.least) return Unusable::BadCapability;
    std::uint64_t most = rule.most;
    if (type == kNotify) {
      found_.notify_multiplier = word(at + kMultiplier);
      most = std::uint64_t{0xffff} * found_.notify_multiplier + 2;
    }
    const PciMapping mapping = function_.map(bar, offset, length < most ? length : most);
    if (mapping.status != PciMapStatus::Ok) return reason(mapping.status);
    window(type) = mapping.window;
    return Unusable::No;
  }

  RegisterWindow& window(Type type) noexcept {
    switch (type) {
      case kCommon:
        return found_.common;
      case kNotify:
        return found_.notify;
      case kIsr:
        return found_.isr;
      default:
        return found_.device;
    }
  }

  std::uint8_t byte(unsigned at) noexcept { return function_.config8(static_cast<std::uint8_t>(at)); }
  std::uint32_t word(unsigned at) noexcept { return function_.config32(static_cast<std::uint8_t>(at)); }

  PciFunction& function_;
  PciStructures& found_;
  bool any_ = false;
  bool refused_[kTypes] = {};
  // Returns why a structure is missing: the first candidate was unusable, or none existed.
  Unusable why_not_[kTypes] = {Unusable::No, Unusable::NoCommonConfig, Unusable::NoNotifications,
                               Unusable::NoInterruptStatus, Unusable::No};
};

}  // namespace

Unusable find_pci_structures(PciFunction& function, PciStructures& found) noexcept {
  found = {};
  return Finder(function, found).find();
}

}  // namespace fallow::detail
