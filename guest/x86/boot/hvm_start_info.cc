#include "guest/x86/boot/hvm_start_info.h"

namespace fallow::guest::x86 {
namespace {

constexpr std::uint32_t kMagic = 0x336ec578;
constexpr std::uint32_t kUsable = 1;        // types as in E820
constexpr std::uint32_t kMostLines = 1024;  // limit for an untrusted table

// Offsets into hvm_start_info.
constexpr std::uint64_t kVersion = 4, kModuleCount = 12, kModules = 16, kCommandLine = 24, kRsdp = 32,
                        kMapAddress = 40, kMapCount = 48;
constexpr std::uint64_t kModuleSize = 32;  // address, size, command line, reserved
constexpr std::uint64_t kLineSize = 24;    // address, size, type, reserved

template <class Do>
void for_each_line(const PhysicalWindow& memory, std::uint64_t map, std::uint32_t count, Do&& act) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto line = memory.bytes(map + i * kLineSize, kLineSize);
    if (line.empty()) return;
    act(integer_at<std::uint64_t>(line, 0), integer_at<std::uint64_t>(line, 8),
        integer_at<std::uint32_t>(line, 16));
  }
}

void read_memory_map(const PhysicalWindow& memory, std::uint64_t map, std::uint32_t count, BootInfo& info) {
  if (count > kMostLines) {
    info.warning = "the memory map has more than 1024 entries and is ignored";
    // Any entry may mark memory as not usable, so a truncated map cannot be trusted.
    return;
  }
  MemoryMapReader reader(info);
  for_each_line(memory, map, count, [&](std::uint64_t begin, std::uint64_t size, std::uint32_t type) {
    if (type == kUsable) reader.add_usable(begin, size);
  });
  for_each_line(memory, map, count, [&](std::uint64_t begin, std::uint64_t size, std::uint32_t type) {
    if (type != kUsable) reader.remove_other(begin, size);
  });
}

}  // namespace

bool read_hvm_start_info(const PhysicalWindow& memory, std::uint64_t address, BootInfo& info) {
  if (memory.integer<std::uint32_t>(address) != kMagic) return false;
  info.loader = "pvh";
  info.rsdp = memory.integer<std::uint64_t>(address + kRsdp);
  if (const auto line = memory.integer<std::uint64_t>(address + kCommandLine); line != 0) {
    copy_command_line(memory, line, info);
  }
  const auto modules = memory.integer<std::uint64_t>(address + kModules);
  const auto count = memory.integer<std::uint32_t>(address + kModuleCount);
  for (std::uint32_t i = 0; i < count && i < BootInfo::kMostModules; ++i) {
    const auto module = memory.bytes(modules + i * kModuleSize, kModuleSize);
    const auto begin = integer_at<std::uint64_t>(module, 0), size = integer_at<std::uint64_t>(module, 8);
    if (size <= ~std::uint64_t{0} - begin) add_module({begin, begin + size}, info);
  }
  if (memory.integer<std::uint32_t>(address + kVersion) >= 1) {
    read_memory_map(memory, memory.integer<std::uint64_t>(address + kMapAddress),
                    memory.integer<std::uint32_t>(address + kMapCount), info);
  }
  return true;
}

}  // namespace fallow::guest::x86
