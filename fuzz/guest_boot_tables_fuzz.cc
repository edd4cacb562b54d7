// Fuzzes the tables that boot loaders and firmware leave in memory. An input:
//     u8   reader: 0 PVH, 1 multiboot2, 2 ACPI MADT, 3 MP table; bit 7: repair the checksums first
//     u8   begin of the memory
//     u16  stated position of the loader block or the RSDP in this memory
// followed by the memory. Checks, besides the sanitizers: usable memory is in order, and each part is named
// by some line and excluded by none; free ranges lie only in usable memory; processors are distinct and
// within the limit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

#include "fallow/base/check.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/memory_map_lines.h"
#include "guest/kernel/memory_layout.h"
#include "guest/x86/boot/find_free_range.h"
#include "guest/x86/boot/hvm_start_info.h"
#include "guest/x86/boot/multiboot2.h"
#include "guest/x86/discovery/acpi_madt.h"
#include "guest/x86/discovery/mp_table.h"

namespace fallow::guest::x86 {
namespace {

using Bytes = std::vector<std::byte>;  // exact length, so that the sanitizer detects reads beyond the end

void balance(Bytes& memory, std::size_t begin, std::size_t size, std::size_t checksum) {
  if (size > memory.size() - begin || checksum >= size) return;
  memory[begin + checksum] = std::byte{0};
  unsigned sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += std::to_integer<unsigned>(memory[begin + i]);
  memory[begin + checksum] = static_cast<std::byte>(0 - sum);
}

// A fuzzer cannot guess four checksums.
void put_sums_right(Bytes& memory) {
  for (std::size_t at = memory.size(); at-- > 0;) {
    const auto rest = std::span<const std::byte>(memory).subspan(at);
    for (const StringRef table : {"APIC", "RSDT", "XSDT"})
      if (begins_with(rest, table)) balance(memory, at, integer_at<std::uint32_t>(rest, 4), 9);
    if (begins_with(rest, "PCMP")) balance(memory, at, integer_at<std::uint16_t>(rest, 4), 7);
    if (begins_with(rest, "_MP_")) balance(memory, at, 16, 10);
    if (begins_with(rest, "RSD PTR ")) {
      balance(memory, at, 20, 8);
      balance(memory, at, 36, 32);
    }
  }
}

bool overlap(const MemoryRange& a, const MemoryRange& b) { return a.begin < b.end && b.begin < a.end; }

bool inside_one_of(std::span<const MemoryRange> ranges, MemoryRange range) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const MemoryRange& one) {
    return range.begin >= one.begin && range.end <= one.end;
  });
}
bool overlaps_one_of(std::span<const MemoryRange> ranges, MemoryRange range) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const MemoryRange& one) { return overlap(one, range); });
}

void check_usable(const BootInfo& info, const MemoryMapLines& lines) {
  const auto usable = info.usable.ranges();
  FALLOW_CHECK(usable.size() <= BootInfo::kMostRanges);
  for (std::size_t i = 0; i < usable.size(); ++i) {
    FALLOW_CHECK(usable[i].begin < usable[i].end && (i == 0 || usable[i - 1].end < usable[i].begin));
    FALLOW_CHECK(lines.cover(usable[i]));
    FALLOW_CHECK(!overlaps_one_of(lines.other, usable[i]));
  }
  if (!info.warning.empty()) return;
  for (const MemoryRange& line : lines.usable) {
    const MemoryRange first{line.begin, line.begin + 1};
    FALLOW_CHECK(overlaps_one_of(lines.other, first) || inside_one_of(usable, first));
  }
}

// Repeats what the guest does next with the result.
void check_room(const BootInfo& info, std::uint64_t size) {
  const auto usable = info.usable.ranges();
  const std::span<const MemoryRange> modules(info.modules, info.module_count);
  const MemoryRange within{4096, std::uint64_t{1} << 32}, room = find_free_range(info, modules, within, size);
  if (room.begin != room.end) {
    FALLOW_CHECK(room.begin % 4096 == 0 && room.end - room.begin == size);
    FALLOW_CHECK(inside_one_of({&within, 1}, room) && inside_one_of(usable, room));
    FALLOW_CHECK(!overlaps_one_of(modules, room));
  }
  const MemoryLayout layout(usable, modules);
  Pfn end{0};
  for (const FrameRange& piece : layout.pieces()) {
    FALLOW_CHECK(piece.first > end && piece.count.raw != 0 && piece.end() <= MemoryLayout::kEnd);
    const MemoryRange bytes{piece.first.raw * kFrameSize, piece.end().raw * kFrameSize};
    FALLOW_CHECK(inside_one_of(usable, bytes) && !overlaps_one_of(modules, bytes));
    end = piece.end();
  }
}

void check(const BootInfo& info, const MemoryMapLines& lines, std::uint64_t size) {
  FALLOW_CHECK(info.command_line.text().find('\0') == StringRef::kNone);
  FALLOW_CHECK(!info.command_line.full() || !info.warning.empty());
  FALLOW_CHECK(info.module_count <= BootInfo::kMostModules);
  for (const MemoryRange& module : std::span(info.modules, info.module_count))
    FALLOW_CHECK(module.begin < module.end);
  check_usable(info, lines);
  check_room(info, size);
}

void check(bool read, const Topology& topology, std::string_view source) {
  const auto processors = topology.processors();
  FALLOW_CHECK(std::string_view(topology.source.data(), topology.source.size()) == (read ? source : ""));
  FALLOW_CHECK(read || (processors.empty() && topology.io_apics().empty() && topology.left_out() == 0));
  FALLOW_CHECK(processors.size() <= Topology::kMostProcessors);
  for (std::size_t i = 0; i < processors.size(); ++i) {
    FALLOW_CHECK(processors[i] <= Topology::kMostApicId);
    const auto before = processors.first(i);
    FALLOW_CHECK(std::find(before.begin(), before.end(), processors[i]) == before.end());
  }
  FALLOW_CHECK(topology.io_apics().size() <= Topology::kMostIoApics);
  // The guest writes to the registers; there are none at address 0.
  for (const IoApicEntry& io_apic : topology.io_apics()) FALLOW_CHECK(io_apic.base != 0);
}

std::uint64_t begin_of(std::uint8_t choice, std::uint64_t size) {
  const std::uint64_t places[] = {0, 0x9fc00, 0xe0000, 0xf0000, 0xffff0000, ~std::uint64_t{0} - size};
  return places[choice % std::size(places)];
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput in(data, size);
  const std::uint8_t choice = in.u8(), place = in.u8();
  const std::uint16_t offset = in.u16();
  const auto given = std::as_bytes(in.bytes(size));
  Bytes bytes(given.begin(), given.end());
  if ((choice & 0x80) != 0) put_sums_right(bytes);

  const std::uint64_t begin = begin_of(place, bytes.size()), block = begin + offset;
  const PhysicalWindow memory({begin, begin + bytes.size()}, reinterpret_cast<std::uintptr_t>(bytes.data()));
  BootInfo info;
  Topology topology;
  switch (choice % 4) {
    case 0:
      if (read_hvm_start_info(memory, block, info)) check(info, pvh_lines(memory, block), 4096u * offset);
      break;
    case 1:
      if (read_multiboot2(memory, block, info)) check(info, multiboot2_lines(memory, block), 4096u * offset);
      break;
    case 2:
      check(read_madt(memory, block, topology), topology, "acpi");
      break;
    default:
      check(read_mp_table(memory, topology), topology, "mp");
  }
  return 0;
}

}  // namespace fallow::guest::x86
