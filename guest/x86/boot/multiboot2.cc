#include "guest/x86/boot/multiboot2.h"

#include <span>

namespace fallow::guest::x86 {
namespace {

constexpr std::uint64_t kHeaderSize = 8;           // of the block and of each tag
constexpr std::uint64_t kMostBytes = 1024 * 1024;  // limit of a block
constexpr std::uint32_t kUsable = 1;

enum Tag : std::uint32_t {
  kEnd = 0,
  kCommandLine = 1,
  kModule = 3,
  kMemoryMap = 6,
  kOldRsdp = 14,
  kNewRsdp = 15
};

using Bytes = std::span<const std::byte>;

// A memory map tag holds the size and version of its entries, then entries of address, size and type.
template <class Do>
void for_each_line(Bytes tag, Do&& act) {
  constexpr std::size_t kLines = 16, kLeast = 20;
  const auto line_size = integer_at<std::uint32_t>(tag, 8);
  if (line_size < kLeast || line_size > tag.size()) return;
  for (std::size_t at = kLines; at + line_size <= tag.size(); at += line_size) {
    act(integer_at<std::uint64_t>(tag, at), integer_at<std::uint64_t>(tag, at + 8),
        integer_at<std::uint32_t>(tag, at + 16));
  }
}

void add_usable(Bytes map, BootInfo& info) {
  for_each_line(map, [&](std::uint64_t begin, std::uint64_t size, std::uint32_t type) {
    if (type == kUsable) MemoryMapReader(info).add_usable(begin, size);
  });
}
void remove_other(Bytes map, BootInfo& info) {
  for_each_line(map, [&](std::uint64_t begin, std::uint64_t size, std::uint32_t type) {
    if (type != kUsable) MemoryMapReader(info).remove_other(begin, size);
  });
}

// Returns false if a tag is larger than the rest of the block, or if the end tag is missing.
template <class Do>
bool for_each_tag(const PhysicalWindow& memory, std::uint64_t address, std::uint64_t size, Do&& act) {
  for (std::uint64_t at = kHeaderSize; size - at >= kHeaderSize;) {
    const auto type = memory.integer<std::uint32_t>(address + at);
    const std::uint64_t tag_size = memory.integer<std::uint32_t>(address + at + 4);
    if (type == kEnd) return true;
    if (tag_size < kHeaderSize || tag_size > size - at) return false;
    act(type, address + at, memory.bytes(address + at, tag_size));
    const std::uint64_t padded = (tag_size + 7) & ~std::uint64_t{7};
    if (padded > size - at) return false;
    at += padded;
  }
  return false;
}

void read_tag(std::uint32_t type, std::uint64_t address, Bytes tag, BootInfo& info) {
  switch (type) {
    case kCommandLine:
      info.command_line.cut(0);
      // Bounded by the tag, in case the text is not null-terminated.
      copy_command_line(
          PhysicalWindow({address, address + tag.size()}, reinterpret_cast<std::uintptr_t>(tag.data())),
          address + kHeaderSize, info);
      break;
    case kModule:
      add_module({integer_at<std::uint32_t>(tag, 8), integer_at<std::uint32_t>(tag, 12)}, info);
      break;
    case kMemoryMap:
      add_usable(tag, info);
      break;
    case kOldRsdp:
    case kNewRsdp:  // the tag holds a copy of the RSDP
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
  const bool ended =
      for_each_tag(memory, address, size,
                   [&](std::uint32_t type, std::uint64_t at, Bytes tag) { read_tag(type, at, tag, info); });
  // If there are several maps, remove only after the usable entries of all maps are added.
  for_each_tag(memory, address, size, [&](std::uint32_t type, std::uint64_t, Bytes tag) {
    if (type == kMemoryMap) remove_other(tag, info);
  });
  if (!ended) info.warning = "the multiboot2 tags are malformed: tags after the malformed one are ignored";
  return true;
}

}  // namespace fallow::guest::x86
