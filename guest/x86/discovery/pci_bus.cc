#include "guest/x86/discovery/pci_bus.h"

#include "guest/x86/cpu.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint16_t kAddressPort = 0xcf8, kDataPort = 0xcfc;
constexpr std::uint32_t kEnable = 0x80000000;
constexpr std::uint8_t kHeaderType = 0x0e, kSecondaryBus = 0x19, kInterruptLine = 0x3c;
constexpr std::uint8_t kManyFunctions = 0x80, kBridge = 1;
constexpr std::uint8_t kNoLine = 0xff;
constexpr unsigned kDevices = 32, kFunctions = 8;

bool find_on_bus(Paging& paging, std::uint8_t bus, detail::DeviceType wanted, PciAddress* address) {
  for (unsigned i = 0; i < kDevices * kFunctions; ++i) {
    const PciAddress at{bus, static_cast<std::uint8_t>(i / kFunctions),
                        static_cast<std::uint8_t>(i % kFunctions)};
    PciAddressFunction function(at, paging);
    const std::uint16_t vendor = function.config16(kPciVendor);
    const std::uint8_t type = function.config8(kHeaderType);
    if (vendor != 0xffff) {
      if (detail::pci_device_type(vendor, function.config16(kPciDevice)) == wanted) {
        *address = at;
        return true;
      }
      // Descend only to a higher bus number, so that the recursion ends even if a bridge lies.
      const std::uint8_t below = (type & ~kManyFunctions) == kBridge ? function.config8(kSecondaryBus) : 0;
      if (below > bus && find_on_bus(paging, below, wanted, address)) return true;
    }
    if (at.function == 0 && (vendor == 0xffff || (type & kManyFunctions) == 0)) i += kFunctions - 1;
  }
  return false;
}

}  // namespace

bool has_pci() noexcept {
  out32(kAddressPort, kEnable);
  return in32(kAddressPort) == kEnable;
}

bool find_virtio_function(Paging& paging, detail::DeviceType type, PciAddress* address) noexcept {
  return has_pci() && find_on_bus(paging, 0, type, address);
}

void PciAddressFunction::select(std::uint8_t offset) noexcept {
  out32(kAddressPort, kEnable | std::uint32_t{address_.bus} << 16 | std::uint32_t{address_.device} << 11 |
                          std::uint32_t{address_.function} << 8 | (offset & 0xfcu));
}

std::uint8_t PciAddressFunction::config8(std::uint8_t offset) noexcept {
  select(offset);
  return in8(static_cast<std::uint16_t>(kDataPort + offset % 4));
}
std::uint16_t PciAddressFunction::config16(std::uint8_t offset) noexcept {
  select(offset);
  return in16(static_cast<std::uint16_t>(kDataPort + offset % 4));
}
std::uint32_t PciAddressFunction::config32(std::uint8_t offset) noexcept {
  select(offset);
  return in32(kDataPort);
}
void PciAddressFunction::set_config16(std::uint8_t offset, std::uint16_t value) noexcept {
  select(offset);
  out16(static_cast<std::uint16_t>(kDataPort + offset % 4), value);
}
void PciAddressFunction::set_config32(std::uint8_t offset, std::uint32_t value) noexcept {
  select(offset);
  out32(kDataPort, value);
}

PciMapping PciAddressFunction::map(std::uint8_t bar, std::uint64_t offset, std::uint64_t length) noexcept {
  const PciBar found = read_pci_bar(*this, bar);
  const PciMapStatus status = found.check(offset, length);
  if (status != PciMapStatus::Ok) return {status, {}};
  if (!paging_.map_device({found.address + offset, found.address + offset + length})) return {};
  bars_[bar] = MappedRegisters(reinterpret_cast<volatile std::byte*>(found.address));
  return {PciMapStatus::Ok, RegisterWindow(bars_[bar], offset, length)};
}

std::uint8_t PciAddressFunction::line() noexcept {
  const std::uint8_t line = config8(kInterruptLine);
  return line == 0 || line > 15 ? kNoLine : line;
}

}  // namespace fallow::guest::x86
