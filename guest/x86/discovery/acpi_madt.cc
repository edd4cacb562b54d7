#include "guest/x86/discovery/acpi_madt.h"

#include <span>

namespace fallow::guest::x86 {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint64_t kOldRsdpSize = 20, kNewRsdpSize = 36;
constexpr std::uint64_t kHeaderSize = 36;        // of every table except the RSDP
constexpr std::uint64_t kMostTableSize = 65536;  // far more than 64 processors or a list of all tables needs
constexpr std::uint64_t kMadtEntries = 44;       // after the header, the local APIC's address and the flags
constexpr std::uint64_t kBiosDataSegment = 0x40e;  // holds the segment of the extended BIOS data area

enum EntryType : std::uint8_t { kLocalApic = 0, kIoApic = 1, kLocalX2Apic = 9 };
constexpr std::uint32_t kEnabled = 1;
constexpr std::size_t kIoApicSize = 12;

// Returns the RSDP, without the extended part before ACPI 2.0, or an empty span.
Bytes rsdp_at(const PhysicalWindow& memory, std::uint64_t address) {
  const Bytes old_part = memory.bytes(address, kOldRsdpSize);
  if (!begins_with(old_part, "RSD PTR ") || !sums_to_zero(old_part)) return {};
  constexpr std::size_t kRevision = 15;
  if (integer_at<std::uint8_t>(old_part, kRevision) < 2) return old_part;
  const Bytes whole = memory.bytes(address, kNewRsdpSize);
  return !whole.empty() && sums_to_zero(whole) ? whole : old_part;
}

Bytes find_rsdp(const PhysicalWindow& memory, std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t at = begin; at < end; at += 16) {
    if (const Bytes rsdp = rsdp_at(memory, at); !rsdp.empty()) return rsdp;
  }
  return {};
}

Bytes find_rsdp(const PhysicalWindow& memory, std::uint64_t hint) {
  if (const Bytes rsdp = rsdp_at(memory, hint); hint != 0 && !rsdp.empty()) return rsdp;
  const std::uint64_t area = std::uint64_t{memory.integer<std::uint16_t>(kBiosDataSegment)} << 4;
  if (const Bytes rsdp = find_rsdp(memory, area, area + 1024); !rsdp.empty()) return rsdp;
  return find_rsdp(memory, 0xe0000, 0x100000);
}

// Returns an empty span unless a table with this signature, a plausible size and a valid checksum is there.
Bytes table_at(const PhysicalWindow& memory, std::uint64_t address, StringRef signature) {
  const Bytes header = memory.bytes(address, kHeaderSize);
  if (address == 0 || !begins_with(header, signature)) return {};
  const std::uint64_t size = integer_at<std::uint32_t>(header, 4);
  if (size < kHeaderSize || size > kMostTableSize) return {};
  const Bytes table = memory.bytes(address, size);
  return !table.empty() && sums_to_zero(table) ? table : Bytes{};
}

// Returns the first table with this signature in the root table `all`, a list of addresses of type Address.
template <class Address>
Bytes find_table(const PhysicalWindow& memory, Bytes all, StringRef signature) {
  for (std::size_t at = kHeaderSize; at + sizeof(Address) <= all.size(); at += sizeof(Address)) {
    if (const Bytes table = table_at(memory, integer_at<Address>(all, at), signature); !table.empty())
      return table;
  }
  return {};
}

Bytes find_madt(const PhysicalWindow& memory, Bytes rsdp) {
  const Bytes extended = table_at(memory, integer_at<std::uint64_t>(rsdp, 24), "XSDT");
  if (const Bytes madt = find_table<std::uint64_t>(memory, extended, "APIC"); !madt.empty()) return madt;
  const Bytes root = table_at(memory, integer_at<std::uint32_t>(rsdp, 16), "RSDT");
  return find_table<std::uint32_t>(memory, root, "APIC");
}

void read_entry(Bytes entry, Topology& topology) {
  switch (integer_at<std::uint8_t>(entry, 0)) {
    case kLocalApic:
      if ((integer_at<std::uint32_t>(entry, 4) & kEnabled) != 0) {
        topology.add_processor(integer_at<std::uint8_t>(entry, 3));
      }
      break;
    case kLocalX2Apic:
      if ((integer_at<std::uint32_t>(entry, 8) & kEnabled) != 0) {
        topology.add_processor(integer_at<std::uint32_t>(entry, 4));
      }
      break;
    case kIoApic:
      if (entry.size() >= kIoApicSize) {
        topology.add_io_apic({integer_at<std::uint32_t>(entry, 4), integer_at<std::uint32_t>(entry, 8)});
      }
      break;
    default:
      break;
  }
}

}  // namespace

bool read_madt(const PhysicalWindow& memory, std::uint64_t rsdp, Topology& topology) {
  const Bytes madt = find_madt(memory, find_rsdp(memory, rsdp));
  if (madt.size() < kMadtEntries) return false;
  for (std::size_t at = kMadtEntries; madt.size() - at >= 2;) {
    const std::size_t size = integer_at<std::uint8_t>(madt, at + 1);
    if (size < 2 || size > madt.size() - at) break;
    read_entry(madt.subspan(at, size), topology);
    at += size;
  }
  topology.source = "acpi";
  return true;
}

}  // namespace fallow::guest::x86
