#include "guest/x86/interrupts/io_apic.h"

#include <span>

namespace fallow::guest::x86 {
namespace {

constexpr std::uint32_t kVersion = 1, kFirstEntry = 0x10;
constexpr std::uint32_t kLevel = 1 << 15, kMasked = 1 << 16;
constexpr IoApicEntry kUsual{0xfec00000, 0};

std::uint32_t read(const IoApicEntry& at, std::uint32_t index) {
  *reinterpret_cast<volatile std::uint32_t*>(at.base) = index;
  return *reinterpret_cast<volatile std::uint32_t*>(at.base + 0x10);
}
void write(const IoApicEntry& at, std::uint32_t index, std::uint32_t value) {
  *reinterpret_cast<volatile std::uint32_t*>(at.base) = index;
  *reinterpret_cast<volatile std::uint32_t*>(at.base + 0x10) = value;
}

struct Pin {
  IoApicEntry at;
  std::uint32_t entry = 0;  // index of the lower half, or 0 if there is no such pin
};

Pin find(const Topology& topology, std::uint32_t line) {
  std::span<const IoApicEntry> all = topology.io_apics();
  if (all.empty()) all = {&kUsual, 1};
  for (const IoApicEntry& one : all) {
    if (line < one.first_line) continue;
    const std::uint32_t pin = line - one.first_line;
    if (pin <= (read(one, kVersion) >> 16 & 0xff)) return {one, kFirstEntry + 2 * pin};
  }
  return {};
}

}  // namespace

bool route_line(const Topology& topology, std::uint32_t line, std::uint32_t apic_id,
                std::uint8_t vector) noexcept {
  const Pin pin = find(topology, line);
  if (pin.entry == 0) return false;
  write(pin.at, pin.entry, kMasked);
  write(pin.at, pin.entry + 1, apic_id << 24);
  write(pin.at, pin.entry, kLevel | vector);
  return true;
}

void mask_line(const Topology& topology, std::uint32_t line) noexcept {
  if (const Pin pin = find(topology, line); pin.entry != 0) write(pin.at, pin.entry, kMasked);
}

}  // namespace fallow::guest::x86
