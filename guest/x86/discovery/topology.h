// The processors and interrupt controllers that the firmware's tables list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "guest/protocol/text.h"

namespace fallow::guest::x86 {

struct IoApicEntry {
  std::uint64_t base = 0;
  std::uint32_t first_line = 0;  // first interrupt line of the machine that it serves
};

class Topology {
 public:
  static constexpr std::size_t kMostProcessors = 64;
  static constexpr std::size_t kMostIoApics = 8;
  // In xAPIC mode an APIC ID has 8 bits, and 255 means broadcast.
  static constexpr std::uint32_t kMostApicId = 254;

  StringRef source;  // "acpi", "mp"; empty if no table was found

  // Ignores duplicates. A processor beyond the limit or unreachable in xAPIC mode is counted as left out.
  void add_processor(std::uint32_t apic_id) {
    for (const std::uint32_t known : processors()) {
      if (known == apic_id) return;
    }
    if (processor_count_ == kMostProcessors || apic_id > kMostApicId) {
      ++left_out_;
    } else {
      processors_[processor_count_++] = apic_id;
    }
  }
  // Ignores address 0, which is memory, and controllers beyond the limit.
  void add_io_apic(IoApicEntry entry) {
    if (entry.base != 0 && io_apic_count_ < kMostIoApics) io_apics_[io_apic_count_++] = entry;
  }

  // APIC IDs, in the order of the table.
  std::span<const std::uint32_t> processors() const { return {processors_, processor_count_}; }
  std::span<const IoApicEntry> io_apics() const { return {io_apics_, io_apic_count_}; }
  std::uint32_t left_out() const { return left_out_; }

 private:
  std::uint32_t processors_[kMostProcessors] = {};
  std::size_t processor_count_ = 0;
  std::uint32_t left_out_ = 0;
  IoApicEntry io_apics_[kMostIoApics];
  std::size_t io_apic_count_ = 0;
};

}  // namespace fallow::guest::x86
