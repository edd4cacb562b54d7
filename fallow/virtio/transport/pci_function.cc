#include "fallow/virtio/transport/pci_function.h"

namespace fallow {
namespace {

constexpr std::uint32_t kIoBar = 1, kWideBar = 4, kTypeOfMemoryBar = 6;
constexpr std::uint32_t kMemoryFlags = 0xf, kIoFlags = 3;
constexpr std::uint16_t kCommandDecodes = kPciCommandMemory | 1;  // memory and I/O ports

constexpr std::uint8_t place_of(unsigned bar) noexcept {
  return static_cast<std::uint8_t>(kPciFirstBar + 4 * bar);
}

bool is_wide(std::uint32_t raw) noexcept {
  return (raw & kIoBar) == 0 && (raw & kTypeOfMemoryBar) == kWideBar;
}

// Returns whether the BAR is the upper half of the previous BAR.
bool is_upper_half(PciFunction& function, unsigned bar) noexcept {
  bool upper = false;
  for (unsigned i = 0; i < bar; ++i) upper = !upper && is_wide(function.config32(place_of(i)));
  return upper;
}

// Returns the writable bits.
std::uint32_t writable_bits(PciFunction& function, unsigned bar) noexcept {
  const std::uint32_t before = function.config32(place_of(bar));
  function.set_config32(place_of(bar), ~std::uint32_t{0});
  const std::uint32_t all = function.config32(place_of(bar));
  function.set_config32(place_of(bar), before);
  return all;
}

}  // namespace

PciMapStatus PciBar::check(std::uint64_t offset, std::uint64_t length) const noexcept {
  if (kind == Kind::None) return PciMapStatus::NoSuchBar;
  if (kind == Kind::Io) return PciMapStatus::IoSpace;
  if (offset > size || length > size - offset) return PciMapStatus::BeyondEnd;
  return address == 0 ? PciMapStatus::NotMapped : PciMapStatus::Ok;
}

PciBar read_pci_bar(PciFunction& function, std::uint8_t bar) noexcept {
  if (bar >= kPciBars || is_upper_half(function, bar)) return {};
  const std::uint32_t raw = function.config32(place_of(bar));
  PciBar found;
  found.kind = (raw & kIoBar) != 0 ? PciBar::Kind::Io : PciBar::Kind::Memory;
  found.wide = is_wide(raw);
  if (found.wide && bar + 1 == kPciBars) return {};
  const std::uint32_t flags = found.kind == PciBar::Kind::Io ? kIoFlags : kMemoryFlags;
  found.address = raw & ~flags;
  if (found.wide) found.address |= std::uint64_t{function.config32(place_of(bar + 1U))} << 32;

  const std::uint16_t command = function.config16(kPciCommand);
  function.set_config16(kPciCommand, static_cast<std::uint16_t>(command & ~kCommandDecodes));
  std::uint64_t bits = writable_bits(function, bar) & ~flags;
  if (found.wide) bits |= std::uint64_t{writable_bits(function, bar + 1U)} << 32;
  function.set_config16(kPciCommand, command);

  found.size = bits & (~bits + 1);
  return bits == 0 ? PciBar{} : found;
}

}  // namespace fallow
