// Pages for page tables, one after the other, never given back.
#pragma once

#include <cstdint>

#include "guest/kernel/machine.h"

namespace fallow::guest::x86 {

class PagePool {
 public:
  PagePool() = default;
  // On whole pages, mapped where they lie, and nobody else's.
  explicit PagePool(MemoryRange range) : left_(range) {}

  // Filled with zeros; 0: there is none left.
  std::uint64_t take() {
    if (left_.end - left_.begin < 4096) return 0;
    const std::uint64_t page = left_.begin;
    left_.begin += 4096;
    auto* const words = reinterpret_cast<std::uint64_t*>(page);
    for (unsigned i = 0; i < 512; ++i) words[i] = 0;
    return page;
  }

 private:
  MemoryRange left_;
};

}  // namespace fallow::guest::x86
