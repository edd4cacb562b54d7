#include "guest/x86/paging.h"

#include "fallow/base/check.h"
#include "guest/x86/cpu.h"

extern "C" {
extern std::uint64_t first_pml4[512];
extern std::uint32_t first_efer;
extern const std::byte image_begin[], text_begin[], text_end[], image_end[];
}

namespace fallow::guest::x86 {
namespace {

constexpr std::uint64_t kPresent = 1, kWritable = 2, kUncached = 0x18, kLarge = 0x80;
constexpr std::uint64_t kAddress = 0x000ffffffffff000;
constexpr std::uint64_t kSmallPage = 4096, kLargePage = std::uint64_t{1} << 21;
constexpr std::uint64_t kFourGib = std::uint64_t{1} << 32;
constexpr unsigned kPml4 = 3, kDirectory = 1, kTable = 0;  // levels
constexpr std::uint64_t kPagesForDevices = 16;

constexpr std::uint64_t down(std::uint64_t address, std::uint64_t unit) { return address & ~(unit - 1); }
constexpr std::uint64_t up(std::uint64_t address, std::uint64_t unit) {
  return down(address + unit - 1, unit);
}

// All memory is identity-mapped.
std::uint64_t address_of(const void* object) { return reinterpret_cast<std::uint64_t>(object); }

void flush_tlb() {
  std::uint64_t cr3;
  asm volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(cr3) : : "memory");
}

std::uint64_t use_no_execute() {
  constexpr std::uint32_t kEfer = 0xc0000080, kNoExecuteEnable = 1 << 11;
  if ((cpu_id(0x80000001).d & 1u << 20) == 0) return 0;
  write_msr(kEfer, read_msr(kEfer) | kNoExecuteEnable);
  first_efer |= kNoExecuteEnable;
  return std::uint64_t{1} << 63;
}

bool overlaps(std::span<const MemoryRange> memory, MemoryRange range) {
  for (const MemoryRange& m : memory) {
    if (m.begin < range.end && range.begin < m.end) return true;
  }
  return false;
}

}  // namespace

std::uint64_t Paging::pages_needed(std::span<const MemoryRange> memory) noexcept {
  std::uint64_t pages = 4 + up(address_of(image_end), kLargePage) / kLargePage + kPagesForDevices;
  for (const MemoryRange& range : memory) {
    if (range.end <= kFourGib) continue;
    const std::uint64_t begin = range.begin > kFourGib ? range.begin : kFourGib;
    pages += ((range.end - 1) >> 30) - (begin >> 30) + 1;  // directories
    pages += ((range.end - 1) >> 39) - (begin >> 39) + 1;  // tables of directories
  }
  return pages;
}

void Paging::start(std::span<const MemoryRange> memory, PagePool pool) noexcept {
  pool_ = pool;
  no_execute_ = use_no_execute();
  const std::uint64_t beyond_image = up(address_of(image_end), kLargePage);
  for (std::uint64_t at = beyond_image; at < kFourGib; at += kLargePage) {
    const bool cached = overlaps(memory, {at, at + kLargePage});
    FALLOW_CHECK(
        map_large({at, at + kLargePage}, kPresent | kWritable | no_execute_ | (cached ? 0 : kUncached)));
  }
  for (const MemoryRange& range : memory) {
    const std::uint64_t begin = range.begin > kFourGib ? range.begin : kFourGib;
    if (begin < range.end) FALLOW_CHECK(map_large({begin, range.end}, kPresent | kWritable | no_execute_));
  }
  // This code runs from these pages, so each page changes directly to its final rights.
  map_small({0, kSmallPage}, Rights::None);
  map_small({kSmallPage, address_of(image_begin)}, Rights::Write);
  map_small({address_of(image_begin), address_of(text_begin)}, Rights::Read);
  map_small({address_of(text_begin), address_of(text_end)}, Rights::Execute);
  map_small({address_of(text_end), beyond_image}, Rights::Write);
  flush_tlb();
}

void Paging::unmap(MemoryRange pages) noexcept {
  map_small(pages, Rights::None);
  flush_tlb();
}

// No CPU has accessed these addresses, so no TLB holds a translation and no flush is needed.
bool Paging::map_device(MemoryRange registers) noexcept {
  if (registers.begin >= registers.end || registers.end > kHighest) return false;
  if (registers.end <= kFourGib) return true;
  return map_large(registers, kPresent | kWritable | no_execute_ | kUncached);
}

// Returns the entry for `address` in the table of that level, and creates missing tables above. Returns null
// if no page is left. A large page on the walk is split into 512 small pages with the same rights.
std::uint64_t* Paging::entry(std::uint64_t address, unsigned level) noexcept {
  std::uint64_t* table = first_pml4;
  for (unsigned at = kPml4;; --at) {
    std::uint64_t& e = table[address >> (12 + 9 * at) & 511];
    if (at == level) return &e;
    if ((e & kPresent) == 0 || (e & kLarge) != 0) {
      const std::uint64_t page = pool_.take();
      if (page == 0) return nullptr;
      auto* const below = reinterpret_cast<std::uint64_t*>(page);
      for (std::uint64_t i = 0; (e & kLarge) != 0 && i < 512; ++i) below[i] = (e & ~kLarge) + i * kSmallPage;
      e = page | kPresent | kWritable;
    }
    table = reinterpret_cast<std::uint64_t*>(e & kAddress);
  }
}

bool Paging::map_large(MemoryRange range, std::uint64_t flags) noexcept {
  for (std::uint64_t at = down(range.begin, kLargePage); at < range.end; at += kLargePage) {
    std::uint64_t* const e = entry(at, kDirectory);
    if (e == nullptr) return false;
    if ((*e & kPresent) == 0 || at < kFourGib) *e = at | flags | kLarge;
  }
  return true;
}

void Paging::map_small(MemoryRange range, Rights rights) noexcept {
  for (std::uint64_t at = range.begin; at < range.end; at += kSmallPage) {
    std::uint64_t* const e = entry(at, kTable);
    FALLOW_CHECK(e != nullptr);
    *e = rights == Rights::None ? 0 : at | flags_of(rights);
  }
}

std::uint64_t Paging::flags_of(Rights rights) const noexcept {
  if (rights == Rights::Execute) return kPresent;
  return kPresent | no_execute_ | (rights == Rights::Write ? kWritable : 0);
}

}  // namespace fallow::guest::x86
