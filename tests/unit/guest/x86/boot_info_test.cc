// Parses well-formed and malformed information of both boot protocols.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "guest/x86/boot/find_free_range.h"
#include "guest/x86/boot/hvm_start_info.h"
#include "guest/x86/boot/multiboot2.h"
#include "tests/unit/guest/x86/physical_memory.h"

namespace fallow::guest::x86 {
namespace {

using Pairs = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

struct Line {
  std::uint64_t begin, size;
  std::uint32_t type;
};

Pairs usable(const BootInfo& info) {
  Pairs all;
  for (const MemoryRange& range : info.usable.ranges()) all.emplace_back(range.begin, range.end);
  return all;
}
std::string text(StringRef t) { return {t.data(), t.size()}; }

constexpr std::uint64_t kInfo = 0x1000, kMap = 0x2000, kModules = 0x3000, kWords = 0x4000;

class Pvh {
 public:
  Pvh() {
    memory.put<std::uint32_t>(kInfo, 0x336ec578);
    memory.put<std::uint32_t>(kInfo + 4, 1);
    memory.put<std::uint64_t>(kInfo + 16, kModules);
    memory.put<std::uint64_t>(kInfo + 24, kWords);
    memory.put<std::uint64_t>(kInfo + 32, 0xf5a40);
    memory.put<std::uint64_t>(kInfo + 40, kMap);
  }
  void map(const std::vector<Line>& lines) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      memory.put(kMap + i * 24, lines[i].begin);
      memory.put(kMap + i * 24 + 8, lines[i].size);
      memory.put(kMap + i * 24 + 16, lines[i].type);
    }
    memory.put(kInfo + 48, static_cast<std::uint32_t>(lines.size()));
  }
  BootInfo read() {
    BootInfo info;
    EXPECT_TRUE(read_hvm_start_info(memory.window(), kInfo, info));
    return info;
  }

  PhysicalMemory memory;
};

TEST(HvmStartInfo, SaysMemoryModulesAndWords) {
  Pvh pvh;
  pvh.map({{0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0x100000, 0x7f00000, 1}});
  pvh.memory.put<std::uint32_t>(kInfo + 12, 1);
  pvh.memory.put<std::uint64_t>(kModules, 0x500000);
  pvh.memory.put<std::uint64_t>(kModules + 8, 0x1234);
  pvh.memory.put_text(kWords, "workload=fill seed=3");
  const BootInfo info = pvh.read();
  EXPECT_EQ(text(info.loader), "pvh");
  EXPECT_EQ(usable(info), (Pairs{{0, 0x9fc00}, {0x100000, 0x8000000}}));
  EXPECT_EQ(text(info.command_line.text()), "workload=fill seed=3");
  ASSERT_EQ(info.module_count, 1u);
  EXPECT_EQ(info.modules[0].begin, 0x500000u);
  EXPECT_EQ(info.modules[0].end, 0x501234u);
  EXPECT_EQ(info.rsdp, 0xf5a40u);
  EXPECT_TRUE(info.warning.empty());
}

TEST(HvmStartInfo, IsNotThereWithoutItsMagic) {
  PhysicalMemory memory;
  BootInfo info;
  EXPECT_FALSE(read_hvm_start_info(memory.window(), kInfo, info));
  EXPECT_FALSE(read_hvm_start_info(memory.window(), ~std::uint64_t{0} - 1, info));
}

TEST(HvmStartInfo, OfVersion0HasNoMap) {
  Pvh pvh;
  pvh.map({{0, 0x1000000, 1}});
  pvh.memory.put<std::uint32_t>(kInfo + 4, 0);
  EXPECT_EQ(usable(pvh.read()), Pairs{});
}

TEST(HostileMap, UnsortedOverlappingAndEmptyLinesArePutInOrder) {
  Pvh pvh;
  pvh.map({{0x300000, 0x100000, 2}, {0x600000, 0, 1}, {0x200000, 0x200000, 1}, {0x100000, 0x180000, 1}});
  EXPECT_EQ(usable(pvh.read()), (Pairs{{0x100000, 0x300000}}));
}

TEST(HostileMap, WhatEndsBeyondTheAddressSpaceEndsWithIt) {
  Pvh pvh;
  pvh.map({{0x100000, ~std::uint64_t{0}, 1}, {~std::uint64_t{0} - 5, 100, 2}});
  EXPECT_EQ(usable(pvh.read()), (Pairs{{0x100000, ~std::uint64_t{0} - 5}}));
}

TEST(HostileMap, OfTooManyLinesTheRestIsLeftOutAndThatIsSaid) {
  Pvh pvh;
  std::vector<Line> lines;
  for (std::uint64_t i = 0; i < 200; ++i) lines.push_back({i * 0x4000, 0x1000, 1});
  pvh.map(lines);
  // This map overlaps the modules and the command line of the other tests.
  pvh.memory.put<std::uint64_t>(kInfo + 24, 0);
  const BootInfo info = pvh.read();
  EXPECT_EQ(usable(info).size(), BootInfo::kMostRanges);
  EXPECT_FALSE(info.warning.empty());
}

TEST(HostileMap, ACountBeyondReasonIsNotWalked) {
  Pvh pvh;
  pvh.map({{0, 0x1000000, 1}});
  pvh.memory.put<std::uint32_t>(kInfo + 48, 0xffffffff);
  const BootInfo info = pvh.read();
  EXPECT_EQ(usable(info), Pairs{});
  EXPECT_FALSE(info.warning.empty());
}

TEST(HostileMap, OutsideMemoryIsNotRead) {
  Pvh pvh;
  pvh.map({{0, 0x1000000, 1}});
  for (const std::uint64_t where :
       {PhysicalMemory::kSize - 10, ~std::uint64_t{0} - 10, std::uint64_t{1} << 40}) {
    pvh.memory.put(kInfo + 40, where);
    EXPECT_EQ(usable(pvh.read()), Pairs{});
  }
}

TEST(HvmStartInfo, ALongCommandLineIsCut) {
  Pvh pvh;
  pvh.memory.put_text(kWords, std::string(5000, 'x'));
  const BootInfo info = pvh.read();
  EXPECT_EQ(info.command_line.size(), 2048u);
  EXPECT_FALSE(info.warning.empty());
}

TEST(HvmStartInfo, WordsThatRunOutOfMemoryEndThere) {
  Pvh pvh;
  pvh.memory.put<std::uint64_t>(kInfo + 24, PhysicalMemory::kSize - 4);
  pvh.memory.put_text(PhysicalMemory::kSize - 4, "abcd");
  EXPECT_EQ(text(pvh.read().command_line.text()), "abcd");
}

TEST(HvmStartInfo, ModulesBeyondTheBoundAndBeyondTheAddressSpaceAreLost) {
  Pvh pvh;
  pvh.memory.put<std::uint32_t>(kInfo + 12, 0xffffffff);
  for (std::uint64_t i = 0; i < 20; ++i) {
    pvh.memory.put<std::uint64_t>(kModules + i * 32, i == 0 ? ~std::uint64_t{0} : 0x100000 * (i + 1));
    pvh.memory.put<std::uint64_t>(kModules + i * 32 + 8, 0x1000);
  }
  const BootInfo info = pvh.read();
  EXPECT_EQ(info.module_count, BootInfo::kMostModules - 1);
  EXPECT_EQ(info.modules[0].begin, 0x200000u);
}

// Builds a block of tags, each padded to 8 bytes.
class Multiboot2 {
 public:
  void tag(std::uint32_t type, const std::vector<std::uint32_t>& words) {
    memory.put(at_, type);
    memory.put(at_ + 4, static_cast<std::uint32_t>(8 + 4 * words.size()));
    for (std::size_t i = 0; i < words.size(); ++i) memory.put(at_ + 8 + 4 * i, words[i]);
    at_ += (8 + 4 * words.size() + 7) / 8 * 8;
  }
  void words(std::string_view text) {
    memory.put<std::uint32_t>(at_, 1);
    memory.put(at_ + 4, static_cast<std::uint32_t>(8 + text.size()));
    memory.put_text(at_ + 8, text);
    at_ += (8 + text.size() + 7) / 8 * 8;
  }
  BootInfo read() {
    memory.put(kInfo, static_cast<std::uint32_t>(at_ - kInfo));
    BootInfo info;
    EXPECT_TRUE(read_multiboot2(memory.window(), kInfo, info));
    return info;
  }

  PhysicalMemory memory;

 private:
  std::uint64_t at_ = kInfo + 8;
};

// Builds a memory map with entries of 24 bytes, version 0.
std::vector<std::uint32_t> map_of(const std::vector<Line>& lines) {
  std::vector<std::uint32_t> words{24, 0};
  for (const Line& line : lines) {
    for (const std::uint64_t half : {line.begin, line.size}) {
      words.push_back(static_cast<std::uint32_t>(half));
      words.push_back(static_cast<std::uint32_t>(half >> 32));
    }
    words.insert(words.end(), {line.type, 0});
  }
  return words;
}

TEST(Multiboot2, SaysMemoryModulesWordsAndAcpi) {
  Multiboot2 block;
  block.words("seed=3");  // without a terminating null character
  block.tag(3, {0x500000, 0x501234, 0});
  block.tag(6, map_of({{0x100000, 0x7f00000, 1}, {0x100000000, 0x100000000, 1}, {0x200000, 0x1000, 3}}));
  block.tag(4, {640, 127 * 1024});
  block.tag(14, {1, 2, 3, 4, 5});
  block.tag(0, {});
  const BootInfo info = block.read();
  EXPECT_EQ(text(info.loader), "multiboot2");
  EXPECT_EQ(text(info.command_line.text()), "seed=3");
  EXPECT_EQ(usable(info), (Pairs{{0x100000, 0x200000}, {0x201000, 0x8000000}, {0x100000000, 0x200000000}}));
  ASSERT_EQ(info.module_count, 1u);
  EXPECT_EQ(info.modules[0].end, 0x501234u);
  EXPECT_GT(info.rsdp, kInfo);
  EXPECT_TRUE(info.warning.empty());
}

TEST(HostileMultiboot2, ATagLargerThanTheBlockEndsTheReading) {
  for (const std::uint32_t size : {0u, 7u, 1000u, 0xffffffffu}) {
    Multiboot2 block;
    block.words("seed=3");
    block.tag(6, map_of({{0x100000, 0x100000, 1}}));
    block.memory.put<std::uint32_t>(kInfo + 8 + 16 + 4, size);
    const BootInfo info = block.read();
    EXPECT_EQ(text(info.command_line.text()), "seed=3") << size;
    EXPECT_EQ(usable(info), Pairs{}) << size;
    EXPECT_FALSE(info.warning.empty()) << size;
  }
}

TEST(HostileMultiboot2, MapLinesOfNoUsableSizeAreNotRead) {
  for (const std::uint32_t size : {0u, 1u, 19u, 4096u, 0xffffffffu}) {
    Multiboot2 block;
    std::vector<std::uint32_t> map = map_of({{0x100000, 0x100000, 1}});
    map[0] = size;
    block.tag(6, map);
    block.tag(0, {});
    EXPECT_EQ(usable(block.read()), Pairs{}) << size;
  }
}

TEST(HostileMultiboot2, OfTwoMapsTheSecondDoesNotGiveBackWhatTheFirstTook) {
  Multiboot2 block;
  block.tag(6, map_of({{0x200000, 0x1000, 2}}));
  block.tag(6, map_of({{0x100000, 0x400000, 1}}));
  block.tag(0, {});
  EXPECT_EQ(usable(block.read()), (Pairs{{0x100000, 0x200000}, {0x201000, 0x500000}}));
}

TEST(HostileMultiboot2, OfTwoCommandLinesTheLastCounts) {
  Multiboot2 block;
  block.words("seed=3");
  block.words("order=4");
  block.tag(0, {});
  EXPECT_EQ(text(block.read().command_line.text()), "order=4");
}

TEST(HostileMultiboot2, ABlockThatIsNotAllInMemoryIsNone) {
  PhysicalMemory memory;
  BootInfo info;
  for (const std::uint32_t size : {0u, 7u, 0x300000u, 0xffffffffu}) {
    memory.put(kInfo, size);
    EXPECT_FALSE(read_multiboot2(memory.window(), kInfo, info)) << size;
  }
}

TEST(HostileBootInfo, NoiseIsReadWithinBounds) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    Pvh pvh;
    pvh.map({{0, 0x9fc00, 1}, {0x9fc00, 0x400, 2}, {0x100000, 0x7f00000, 1}});
    pvh.memory.put<std::uint32_t>(kInfo + 12, 2);
    pvh.memory.spoil(kInfo + 4, 52, 4, random);
    pvh.memory.spoil(kMap, 100, 10, random);
    pvh.read();

    Multiboot2 block;
    block.words("seed=3");
    block.tag(3, {0x500000, 0x501234, 0});
    block.tag(6, map_of({{0x100000, 0x7f00000, 1}, {0x100000000, 0x100000000, 1}}));
    block.tag(0, {});
    block.memory.spoil(kInfo + 8, 120, 6, random);
    block.read();
  }
}

TEST(FindFreeRange, ReturnsTheLowestFreeRange) {
  BootInfo info;
  info.usable.add({0x1234, 0xa0000});
  info.usable.add({0x100000, 0x1000000});
  const std::vector<MemoryRange> taken{{0x100000, 0x150001}, {0x160000, 0x200000}};
  EXPECT_EQ(find_free_range(info, taken, {0x1000, 0x100000}, 4096).begin, 0x2000u);
  EXPECT_EQ(find_free_range(info, taken, {0x100000, 0x1000000}, 0xf000).begin, 0x151000u);
  EXPECT_EQ(find_free_range(info, taken, {0x100000, 0x1000000}, 0x10000).begin, 0x200000u);
  const MemoryRange none = find_free_range(info, taken, {0x100000, 0x1000000}, 0x1000000);
  EXPECT_EQ(none.begin, none.end);
}

}  // namespace
}  // namespace fallow::guest::x86
