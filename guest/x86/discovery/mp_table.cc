#include "guest/x86/discovery/mp_table.h"

#include <span>

namespace fallow::guest::x86 {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint64_t kPointerSize = 16, kHeaderSize = 44;
constexpr std::uint64_t kBiosDataSegment = 0x40e;

enum EntryType : std::uint8_t { kProcessor = 0, kBus = 1, kIoApic = 2, kLine = 3, kLocalLine = 4 };
constexpr std::size_t kProcessorSize = 20, kOtherSize = 8;
constexpr std::uint8_t kEnabled = 1;

Bytes find_pointer(const PhysicalWindow& memory, std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t at = begin; at < end; at += 16) {
    const Bytes pointer = memory.bytes(at, kPointerSize);
    if (begins_with(pointer, "_MP_") && sums_to_zero(pointer)) return pointer;
  }
  return {};
}

Bytes find_pointer(const PhysicalWindow& memory) {
  const std::uint64_t area = std::uint64_t{memory.integer<std::uint16_t>(kBiosDataSegment)} << 4;
  constexpr MemoryRange kLastKibOfBase{639 * 1024, 640 * 1024}, kFirmware{0xf0000, 0x100000};
  if (const Bytes found = find_pointer(memory, area, area + 1024); !found.empty()) return found;
  if (const Bytes found = find_pointer(memory, kLastKibOfBase.begin, kLastKibOfBase.end); !found.empty()) {
    return found;
  }
  return find_pointer(memory, kFirmware.begin, kFirmware.end);
}

Bytes find_table(const PhysicalWindow& memory) {
  const std::uint64_t address = integer_at<std::uint32_t>(find_pointer(memory), 4);
  const Bytes header = memory.bytes(address, kHeaderSize);
  if (address == 0 || !begins_with(header, "PCMP")) return {};
  const Bytes table = memory.bytes(address, integer_at<std::uint16_t>(header, 4));
  return table.size() >= kHeaderSize && sums_to_zero(table) ? table : Bytes{};
}

}  // namespace

bool read_mp_table(const PhysicalWindow& memory, Topology& topology) {
  const Bytes table = find_table(memory);
  if (table.empty()) return false;
  for (std::size_t at = kHeaderSize; at < table.size();) {
    const auto type = integer_at<std::uint8_t>(table, at);
    const std::size_t size = type == kProcessor ? kProcessorSize : kOtherSize;
    if (type > kLocalLine || size > table.size() - at) break;
    const bool enabled = (integer_at<std::uint8_t>(table, at + 3) & kEnabled) != 0;
    if (type == kProcessor && enabled) topology.add_processor(integer_at<std::uint8_t>(table, at + 1));
    if (type == kIoApic && enabled) topology.add_io_apic({integer_at<std::uint32_t>(table, at + 4), 0});
    at += size;
  }
  topology.source = "mp";
  return true;
}

}  // namespace fallow::guest::x86
