#include "apps/guest/x86/multiboot2.h"

#include <span>

namespace fallow::guest::x86 {
namespace {

constexpr std::uint64_t kHeaderSize = 8;           // of the block, and of a tag
constexpr std::uint64_t kMostBytes = 1024 * 1024;  // of a block
constexpr std::uint32_t kUsable = 1;

enum Tag : std::uint32_t {
  kEnd = 0,
  kCommandLine = 1,
  kModule = 3,
  kMemoryMap = 6,
  kOldRsdp = 14,
  kNewRsdp = 15
};

// A memory map: the size and version of its lines, then lines of address, size, type.
template <class Do>
void for_each_line(std::span<const std::byte> tag, Do&& act) {
  constexpr std::size_t kLines = 16, kLeast = 20;
  const auto line_size = integer_at<std::uint32_t>(tag, 8);
  if (line_size < kLeast || line_size > tag.size()) return;
  for (std::size_t at = kLines; at + line_size <= tag.size(); at += line_size) {
    act(integer_at<std::uint64_t>(tag, at), integer_at<std::uint64_t>(tag, at + 8),
        integer_at<std::uint32_t>(tag, at + 16));
  }
}

void read_memory_map(std::span<const std::byte> tag, BootInfo& info) {
  MemoryMapReader reader(info);
  for_each_line(tag, [&](std::uint64_t begin, std::uint64_t size, std::uint32_t type) {
    if (type == kUsable) reader.add_usable(begin, size);
  });
  for_each_line(tag, [&](std::uint64_t begin, std::uint64_t size, std::uint32_t type) {
    if (type != kUsable) reader.remove_other(begin, size);
  });
}

void read_tag(std::uint64_t address, std::span<const std::byte> tag, BootInfo& info) {
  switch (integer_at<std::uint32_t>(tag, 0)) {
    case kCommandLine:
      // Within the tag, even if nothing ends it there.
      copy_command_line(
          PhysicalWindow({address, address + tag.size()}, reinterpret_cast<std::uintptr_t>(tag.data())),
          address + kHeaderSize, info);
      break;
    case kModule:
      add_module({integer_at<std::uint32_t>(tag, 8), integer_at<std::uint32_t>(tag, 12)}, info);
      break;
    case kMemoryMap:
      read_memory_map(tag, info);
      break;
    case kOldRsdp:
    case kNewRsdp:  // a copy of the table's head, in the tag
      info.rsdp = address + kHeaderSize;
      break;
    default:
      break;
  }
}

}  // namespace

bool read_multiboot2(const PhysicalWindow& memory, std::uint64_t address, BootInfo& info) {
  const std::uint64_t size = memory.integer<std::uint32_t>(address);
  if (size < kHeaderSize || size > kMostBytes || memory.bytes(address, size).empty()) return false;
  info.loader = "multiboot2";
  for (std::uint64_t at = kHeaderSize; size - at >= kHeaderSize;) {
    const std::uint64_t tag_size = memory.integer<std::uint32_t>(address + at + 4);
    if (memory.integer<std::uint32_t>(address + at) == kEnd) return true;
    if (tag_size < kHeaderSize || tag_size > size - at) break;
    read_tag(address + at, memory.bytes(address + at, tag_size), info);
    const std::uint64_t padded = (tag_size + 7) & ~std::uint64_t{7};
    if (padded > size - at) break;
    at += padded;
  }
  info.complaint = "the loader's tags have no end: what stands behind a broken one is left out";
  return true;
}

}  // namespace fallow::guest::x86
