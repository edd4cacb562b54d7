// Processors and interrupt controllers from the ACPI and MP tables.
#include "guest/x86/discovery/topology.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "guest/x86/discovery/acpi_madt.h"
#include "guest/x86/discovery/mp_table.h"
#include "tests/unit/guest/x86/physical_memory.h"

namespace fallow::guest::x86 {
namespace {

using Ids = std::vector<std::uint32_t>;
using Entry = std::vector<std::uint8_t>;

Ids ids(const Topology& topology) { return {topology.processors().begin(), topology.processors().end()}; }

constexpr std::uint64_t kRsdp = 0xf5a40, kTables = 0x10000, kMadt = 0x11000;

Entry processor(std::uint8_t apic_id, std::uint8_t flags = 1) { return {0, 8, 0, apic_id, flags, 0, 0, 0}; }
Entry x2_processor(std::uint8_t apic_id, std::uint8_t second_byte = 0) {
  return {9, 16, 0, 0, apic_id, second_byte, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
}
Entry io_apic(std::uint8_t first_line) { return {1, 12, 0, 0, 0, 0, 0xc0, 0xfe, first_line, 0, 0, 0}; }

// RSDP -> RSDT, and XSDT from revision 2 on -> MADT.
class Acpi {
 public:
  explicit Acpi(const std::vector<Entry>& entries, std::uint8_t revision = 2) {
    std::uint64_t at = kMadt + 44;
    for (const Entry& entry : entries) {
      for (const std::uint8_t byte : entry) memory.put(at++, byte);
    }
    head(kMadt, "APIC", at - kMadt);

    const std::uint64_t width = revision >= 2 ? 8 : 4;
    memory.put(kTables + 36, kTables + 0x800);  // another table
    memory.put(kTables + 36 + width, kMadt);
    head(kTables, revision >= 2 ? "XSDT" : "RSDT", 36 + 2 * width);

    memory.put_text(kRsdp, "RSD PTR ");
    memory.put(kRsdp + 15, revision);
    if (revision >= 2) {
      memory.put(kRsdp + 24, kTables);
    } else {
      memory.put(kRsdp + 16, static_cast<std::uint32_t>(kTables));
    }
    memory.balance(kRsdp, 20, kRsdp + 8);
    memory.balance(kRsdp, 36, kRsdp + 32);
  }
  void head(std::uint64_t at, std::string_view signature, std::uint64_t size) {
    memory.put_text(at, signature);
    memory.put(at + 4, static_cast<std::uint32_t>(size));
    memory.balance(at, size, at + 9);
  }
  bool read(std::uint64_t rsdp = 0) { return read_madt(memory.window(), rsdp, topology); }

  PhysicalMemory memory;
  Topology topology;
};

TEST(AcpiMadt, NamesProcessorsAndIoApics) {
  Acpi acpi({processor(0), processor(2), x2_processor(4), io_apic(0), io_apic(24)});
  ASSERT_TRUE(acpi.read());
  EXPECT_EQ(ids(acpi.topology), (Ids{0, 2, 4}));
  ASSERT_EQ(acpi.topology.io_apics().size(), 2u);
  EXPECT_EQ(acpi.topology.io_apics()[1].base, 0xfec00000u);
  EXPECT_EQ(acpi.topology.io_apics()[1].first_line, 24u);
}

TEST(AcpiMadt, IsFoundByTheOldTableToo) {
  Acpi acpi({processor(1)}, 0);
  ASSERT_TRUE(acpi.read());
  EXPECT_EQ(ids(acpi.topology), Ids{1});
}

TEST(AcpiMadt, IsFoundWhereTheLoaderSaysAndElseWhereFirmwareLeavesIt) {
  Acpi acpi({processor(1)});
  EXPECT_TRUE(acpi.read(kRsdp));
  EXPECT_TRUE(acpi.read(0x40));               // nothing there
  EXPECT_TRUE(acpi.read(~std::uint64_t{0}));  // no memory there
  acpi.memory.put_text(kRsdp, "ROSE");
  EXPECT_FALSE(acpi.read());
}

TEST(AcpiMadt, DisabledAndRepeatedProcessorsDoNotCount) {
  Acpi acpi({processor(0), processor(1, 0), processor(2, 2), processor(0), x2_processor(0)});
  ASSERT_TRUE(acpi.read());
  EXPECT_EQ(ids(acpi.topology), Ids{0});
  EXPECT_EQ(acpi.topology.left_out(), 0u);
}

TEST(AcpiMadt, ProcessorsBeyondTheBoundOrTheReachAreLeftOutAndCounted) {
  std::vector<Entry> entries{x2_processor(7, 1), processor(255)};
  for (std::uint8_t i = 0; i < 100; ++i) entries.push_back(processor(i));
  Acpi acpi(entries);
  ASSERT_TRUE(acpi.read());
  EXPECT_EQ(ids(acpi.topology).size(), Topology::kMostProcessors);
  EXPECT_EQ(acpi.topology.left_out(), 2u + 36u);
}

TEST(HostileMadt, WhatDoesNotSumToZeroIsNotRead) {
  for (const std::uint64_t spoilt : {kRsdp + 9, kTables + 10, kMadt + 10}) {
    Acpi acpi({processor(0)});
    acpi.memory[spoilt] ^= std::byte{1};
    EXPECT_FALSE(acpi.read()) << std::hex << spoilt;
  }
}

TEST(HostileMadt, AnEntryOfLengthZeroOrBeyondTheEndEndsIt) {
  for (const std::uint8_t size : Entry{0, 1, 200}) {
    Acpi acpi({processor(0), {0, size, 0, 1, 1, 0, 0, 0}, processor(2)});
    ASSERT_TRUE(acpi.read());
    EXPECT_EQ(ids(acpi.topology), Ids{0}) << int{size};
  }
}

TEST(HostileMadt, AnEntryTooShortForItsTypeNamesNothing) {
  Acpi acpi({{0, 4, 0, 5}, {9, 4, 0, 0}, processor(2)});
  ASSERT_TRUE(acpi.read());
  EXPECT_EQ(ids(acpi.topology), Ids{2});
}

TEST(HostileMadt, AnIoApicCutOffOrAtAddress0IsNone) {
  Entry cut_off = io_apic(24), nowhere = io_apic(0);
  cut_off.resize(8);
  cut_off[1] = 8;
  nowhere[6] = nowhere[7] = 0;
  Acpi acpi({{1, 2}, cut_off, nowhere, processor(2)});
  ASSERT_TRUE(acpi.read());
  EXPECT_TRUE(acpi.topology.io_apics().empty());
  EXPECT_EQ(ids(acpi.topology), Ids{2});
}

TEST(HostileMadt, TablesThatNameThemselvesOrNothingEnd) {
  Acpi acpi({processor(0)});
  acpi.memory.put(kTables + 44, kTables);
  acpi.head(kTables, "XSDT", 52);
  EXPECT_FALSE(acpi.read());
  acpi.memory.put(kTables + 44, ~std::uint64_t{0} - 20);
  acpi.head(kTables, "XSDT", 52);
  EXPECT_FALSE(acpi.read());
}

TEST(HostileMadt, ASizeBeyondReasonIsNotRead) {
  for (const std::uint32_t size : {0u, 35u, 65537u, 0xffffffffu}) {
    Acpi acpi({processor(0)});
    acpi.memory.put(kMadt + 4, size);
    EXPECT_FALSE(acpi.read()) << size;
  }
}

constexpr std::uint64_t kPointer = 0xf1230, kMpTable = 0x9fc10;

class Mp {
 public:
  explicit Mp(const std::vector<Entry>& entries) {
    std::uint64_t at = kMpTable + 44;
    for (const Entry& entry : entries) {
      for (const std::uint8_t byte : entry) memory.put(at++, byte);
    }
    memory.put_text(kMpTable, "PCMP");
    memory.put(kMpTable + 4, static_cast<std::uint16_t>(at - kMpTable));
    memory.balance(kMpTable, at - kMpTable, kMpTable + 7);
    memory.put_text(kPointer, "_MP_");
    memory.put(kPointer + 4, static_cast<std::uint32_t>(kMpTable));
    memory.balance(kPointer, 16, kPointer + 10);
  }
  bool read() { return read_mp_table(memory.window(), topology); }

  PhysicalMemory memory;
  Topology topology;
};

Entry mp_processor(std::uint8_t apic_id, std::uint8_t flags = 1) {
  Entry entry(20);
  entry[1] = apic_id;
  entry[3] = flags;
  return entry;
}

TEST(MpTable, NamesProcessorsAndIoApics) {
  Mp mp({mp_processor(0, 3),
         mp_processor(1),
         mp_processor(2, 0),
         {1, 0, 'I', 'S', 'A', ' ', ' ', ' '},
         {2, 0, 0x11, 1, 0, 0, 0xc0, 0xfe},
         {3, 0, 0, 0, 0, 0, 0, 0}});
  ASSERT_TRUE(mp.read());
  EXPECT_EQ(ids(mp.topology), (Ids{0, 1}));
  ASSERT_EQ(mp.topology.io_apics().size(), 1u);
  EXPECT_EQ(mp.topology.io_apics()[0].base, 0xfec00000u);
}

TEST(HostileMpTable, WhatDoesNotSumToZeroIsNotRead) {
  for (const std::uint64_t spoilt : {kPointer + 5, kMpTable + 50}) {
    Mp mp({mp_processor(0)});
    mp.memory[spoilt] ^= std::byte{1};
    EXPECT_FALSE(mp.read()) << std::hex << spoilt;
  }
}

TEST(HostileMpTable, UnknownAndCutEntriesEndIt) {
  Mp unknown({mp_processor(0), {9, 0, 0, 1, 0, 0, 0, 0}, mp_processor(1)});
  ASSERT_TRUE(unknown.read());
  EXPECT_EQ(ids(unknown.topology), Ids{0});
  Mp cut({mp_processor(0), {0, 1, 0, 1}});
  ASSERT_TRUE(cut.read());
  EXPECT_EQ(ids(cut.topology), Ids{0});
}

TEST(HostileMpTable, AnIoApicAtAddress0IsNone) {
  Mp mp({mp_processor(0), {2, 0, 0x11, 1, 0, 0, 0, 0}});
  ASSERT_TRUE(mp.read());
  EXPECT_TRUE(mp.topology.io_apics().empty());
}

TEST(HostileTopology, NoiseIsReadWithinBounds) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    std::mt19937_64 random(seed);
    Acpi acpi({processor(0), processor(2), x2_processor(4), io_apic(0)});
    acpi.memory.spoil(kMadt + 10, 80, 8, random);
    acpi.memory.balance(kMadt, 44 + 8 + 8 + 16 + 12, kMadt + 9);
    acpi.read();
    Mp mp({mp_processor(0), mp_processor(1), {2, 0, 0x11, 1, 0, 0, 0xc0, 0xfe}});
    mp.memory.spoil(kMpTable + 4, 80, 8, random);
    mp.memory.balance(kMpTable, integer_at<std::uint16_t>(mp.memory.window().bytes(kMpTable, 44), 4),
                      kMpTable + 7);
    mp.read();
  }
}

}  // namespace
}  // namespace fallow::guest::x86
